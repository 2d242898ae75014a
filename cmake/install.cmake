# `cmake --install BUILD --prefix DIR` makes a tree that runs from wherever it is moved to. What the
# program is linked with and is not part of the system, Arrow and Parquet, lies in lib/qkscope.
# tools/package makes the packages from the same tree (docs/install.md).
set_target_properties(qkscope PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/qkscope")
install(TARGETS qkscope RUNTIME DESTINATION bin)
install(FILES ${PROJECT_BINARY_DIR}/sniff-qk DESTINATION bin)  # a link
install(FILES ${qk_bundled_libraries} DESTINATION lib/qkscope)
if(qk_bundled_licence)
  install(FILES ${qk_bundled_licence} DESTINATION share/doc/qkscope RENAME Arrow-LICENSE.txt)
endif()
install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION share OPTIONAL)  # manual pages, completions
install(DIRECTORY configs/ DESTINATION share/qkscope/configs)
install(FILES LICENSE NOTICE README.md CHANGELOG.md third_party/notices.txt
  DESTINATION share/doc/qkscope)
install(FILES cmake/copyright DESTINATION share/doc/qkscope)
