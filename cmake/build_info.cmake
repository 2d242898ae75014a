# Run at every build (cmake -P): writes qk_build_info.h, only when it changes, so that a commit
# recompiles one file. LIBRARIES: "name version,name version,...". A tree with changes in tracked files is marked "-dirty".
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(STRINGS ${SOURCE_DIR}/rust/tokenizers_c/Cargo.toml crate REGEX "^tokenizers *=")
string(REGEX MATCH "[0-9]+[.][0-9.]+" crate "${crate}")
string(CONCAT text
  "#define QK_VERSION \"${VERSION}\"\n"
  "#define QK_COMMIT \"${commit}\"\n"
  "#define QK_TOKENIZERS \"${crate}\"\n"
  "#define QK_BUILD_TYPE \"${BUILD_TYPE}\"\n"
  "#define QK_COMPILER \"${COMPILER}\"\n"
  "#define QK_LIBRARIES \"${LIBRARIES}\"\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
