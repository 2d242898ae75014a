# qk_tokenizers_crate: Hugging Face's `tokenizers` as a static library (rust/tokenizers_c), built by
# cargo into build/cargo, which all presets share, and again only when the crate's files change.
# tools/setup writes which cargo it found or installed to .deps/cargo.
if(EXISTS ${PROJECT_SOURCE_DIR}/.deps/cargo)
  file(STRINGS ${PROJECT_SOURCE_DIR}/.deps/cargo cargo_of_setup LIMIT_COUNT 1)
  get_filename_component(cargo_of_setup ${cargo_of_setup} DIRECTORY)
endif()
find_program(QK_CARGO cargo HINTS ${cargo_of_setup} $ENV{HOME}/.cargo/bin)
if(NOT QK_CARGO)
  message(FATAL_ERROR "cargo (1.85 or newer) was not found: run tools/setup first")
endif()
execute_process(COMMAND ${QK_CARGO} --version OUTPUT_VARIABLE cargo_version
  OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX MATCH "[0-9]+[.][0-9]+" cargo_version "${cargo_version}")
if(cargo_version VERSION_LESS 1.85)
  message(FATAL_ERROR "${QK_CARGO} is version '${cargo_version}', 1.85 or newer is needed: run "
    "tools/setup first, or give another with -DQK_CARGO=<path>")
endif()

set(crate ${PROJECT_SOURCE_DIR}/rust/tokenizers_c)
set(crate_target ${PROJECT_SOURCE_DIR}/build/cargo)
set(crate_library ${crate_target}/release/libtokenizers_c.a)
add_custom_command(OUTPUT ${crate_library}
  # onig comes from the crate, never from the system, so that every build has the same tables.
  COMMAND ${CMAKE_COMMAND} -E env --unset=CARGO_BUILD_TARGET RUSTONIG_SYSTEM_LIBONIG=0
    ${QK_CARGO} build --release --locked --quiet --manifest-path ${crate}/Cargo.toml
    --target-dir ${crate_target}
  COMMAND ${CMAKE_COMMAND} -E touch ${crate_library}
  DEPENDS ${crate}/Cargo.toml ${crate}/Cargo.lock ${crate}/src/lib.rs ${crate}/src/scored.rs
  COMMENT "Building the tokenizers crate (about two minutes the first time)" VERBATIM)
add_custom_target(qk_tokenizers_build DEPENDS ${crate_library})
add_library(qk_tokenizers_crate INTERFACE)
add_dependencies(qk_tokenizers_crate qk_tokenizers_build)
target_link_libraries(qk_tokenizers_crate INTERFACE ${crate_library} Threads::Threads
  ${CMAKE_DL_LIBS} m)
