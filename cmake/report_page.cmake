# The page of `qkscope report`, which becomes part of the program (src/page/page_template.cc).
#   default             report/ is bundled by the Node and the packages that tools/setup installed
#   QK_REPORT_PAGE=FILE a ready page instead: the page.html that another build has made
# Without either the program is built all the same, and `report` says what is missing.
set(QK_REPORT_PAGE "" CACHE FILEPATH "ready page of `qkscope report`; empty: it is made with Node")
set(report_dir ${PROJECT_SOURCE_DIR}/report)
set(report_page "")
find_program(QK_NODE node HINTS ${PROJECT_SOURCE_DIR}/.deps/node/bin)
if(QK_REPORT_PAGE)
  file(REAL_PATH ${QK_REPORT_PAGE} report_page BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(NOT EXISTS ${report_page})
    message(FATAL_ERROR "QK_REPORT_PAGE=${QK_REPORT_PAGE}: there is no such file")
  endif()
  file(READ ${report_page} slots)
  string(REGEX MATCHALL "@@QKSCOPE_DATA@@" slots "${slots}")
  list(LENGTH slots slots)
  if(NOT slots EQUAL 1)
    message(FATAL_ERROR "QK_REPORT_PAGE=${QK_REPORT_PAGE}: expected a page with one place for the "
      "data, found ${slots}")
  endif()
elseif(QK_NODE AND EXISTS ${report_dir}/node_modules/esbuild/package.json)
  set(report_page ${PROJECT_BINARY_DIR}/generated/page.html)
  file(GLOB_RECURSE report_sources CONFIGURE_DEPENDS
    ${report_dir}/src/*.ts ${report_dir}/src/*.json ${report_dir}/src/*.css)
  file(GLOB report_files CONFIGURE_DEPENDS ${report_dir}/*.css ${report_dir}/page.html)
  add_custom_command(OUTPUT ${report_page}
    COMMAND ${QK_NODE} ${report_dir}/build.mjs ${report_page}
    DEPENDS ${report_sources} ${report_files} ${report_dir}/build.mjs
      ${report_dir}/package-lock.json ${report_dir}/node_modules/.package-lock.json
      ${PROJECT_SOURCE_DIR}/third_party/libraries.toml
    COMMENT "Bundling the page of reports" VERBATIM)
else()
  message(STATUS "page of reports: none (tools/setup, or -DQK_REPORT_PAGE=FILE)")
endif()
if(report_page)
  add_custom_target(qk_report_page DEPENDS ${report_page})
  add_dependencies(qk_page qk_report_page)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/page/page_template.cc PROPERTIES
    OBJECT_DEPENDS ${report_page})
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/page/page_template.cc
    ${PROJECT_SOURCE_DIR}/src/page/page_template_test.cc PROPERTIES
    COMPILE_DEFINITIONS QK_REPORT_PAGE="${report_page}" SKIP_UNITY_BUILD_INCLUSION ON)
endif()
