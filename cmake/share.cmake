# Completions for shells and manual pages, which the program prints of its own declarations, in
# <build>/share as they are installed. A release build makes them; `--target qk_share` does in any build.
set(share ${PROJECT_BINARY_DIR}/share)
set(bash_file ${share}/bash-completion/completions/qkscope)
set(zsh_file ${share}/zsh/site-functions/_qkscope)
set(fish_file ${share}/fish/vendor_completions.d/qkscope.fish)
add_custom_command(OUTPUT ${bash_file} ${zsh_file} ${fish_file} ${share}/man/man1/qkscope.1
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${share}
  COMMAND $<TARGET_FILE:qkscope> completion bash --output ${bash_file}
  COMMAND $<TARGET_FILE:qkscope> completion zsh --output ${zsh_file}
  COMMAND $<TARGET_FILE:qkscope> completion fish --output ${fish_file}
  COMMAND ${CMAKE_COMMAND} -E create_symlink qkscope ${share}/bash-completion/completions/sniff-qk
  COMMAND ${CMAKE_COMMAND} -E create_symlink qkscope.fish ${share}/fish/vendor_completions.d/sniff-qk.fish
  COMMAND $<TARGET_FILE:qkscope> man-pages ${share}/man/man1
  DEPENDS qkscope
  COMMENT "Writing completions and manual pages" VERBATIM)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(share_in_all ALL)
endif()
add_custom_target(qk_share ${share_in_all} DEPENDS ${bash_file})
