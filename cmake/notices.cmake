# third_party/notices.txt as a string literal that src/cli/licenses.cc includes.
set(notices_file ${PROJECT_SOURCE_DIR}/third_party/notices.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${notices_file})
file(READ ${notices_file} notices)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/qk_notices.inc
  CONTENT [[R"qk_notices(@notices@)qk_notices"]] @ONLY)
