# Compile and link options of every target. Nothing is built for the build machine only: SIMD is
# chosen at run time. Contraction is off so that a formula means the same in every build; kernels ask
# for fused multiply-add by name.
add_library(qk_options INTERFACE)
target_compile_options(qk_options INTERFACE -Wall -Wextra -Wpedantic -ffp-contract=off)
# Left to g++: with clang the first finds names of other files of a unity build too, and the second
# libstdc++ 12's own std::stable_sort.
target_compile_options(qk_options INTERFACE
  $<IF:$<CXX_COMPILER_ID:Clang>,-Wno-deprecated-declarations,-Wshadow>)
if(QK_WERROR)
  target_compile_options(qk_options INTERFACE -Werror)
endif()
if(QK_SANITIZE)
  target_compile_options(qk_options INTERFACE -fsanitize=${QK_SANITIZE} -fno-omit-frame-pointer)
  target_compile_definitions(qk_options INTERFACE QK_SANITIZED)
  target_link_options(qk_options INTERFACE -fsanitize=${QK_SANITIZE})
endif()
