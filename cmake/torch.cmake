# libqkscope_torch.so, the plugin through which qkscope computes with libtorch: built only if there is a
# torch, linked by nothing, loaded when a device of torch is asked for. The version of torch and its folder
# stand in the file (src/device/torch_api.h); it runs with that version only.
#   QK_TORCH=DIR   a folder with lib/ and include/: that of torch in a site-packages, or a libtorch
#   default        what tools/setup --torch unpacked, if it did
set(QK_TORCH "" CACHE PATH "folder of torch, for the plugin; empty: .deps/torch/torch if it exists")
set(torch_dir ${QK_TORCH})
if(NOT torch_dir AND EXISTS ${PROJECT_SOURCE_DIR}/.deps/torch/torch/lib/libtorch_cpu.so)
  set(torch_dir ${PROJECT_SOURCE_DIR}/.deps/torch/torch)
endif()
if(NOT torch_dir)
  message(STATUS "torch plugin: not built (tools/setup --torch, or -DQK_TORCH=DIR)")
  if(QK_TESTS)
    add_test(NAME torch.plugin COMMAND ${CMAKE_COMMAND} -E echo "skipped: there is no torch")
    set_tests_properties(torch.plugin PROPERTIES LABELS unit SKIP_REGULAR_EXPRESSION "^skipped")
  endif()
  return()
endif()
file(REAL_PATH ${torch_dir} torch_dir BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
foreach(part lib/libtorch_cpu.so lib/libc10.so include/ATen/core/Tensor.h)
  if(NOT EXISTS ${torch_dir}/${part})
    message(FATAL_ERROR "QK_TORCH=${torch_dir}: expected a folder of torch, found no ${part}")
  endif()
endforeach()
if(EXISTS ${torch_dir}/version.py)
  file(STRINGS ${torch_dir}/version.py torch_version REGEX "^__version__ = ")
elseif(EXISTS ${torch_dir}/build-version)
  file(STRINGS ${torch_dir}/build-version torch_version LIMIT_COUNT 1)
endif()
if(NOT torch_version MATCHES "([0-9]+[.][0-9]+[.][0-9]+)")
  message(FATAL_ERROR "QK_TORCH=${torch_dir}: neither version.py nor build-version names a version")
endif()
set(torch_version ${CMAKE_MATCH_1})
message(STATUS "torch plugin: for torch ${torch_version} in ${torch_dir}")

# clang 18 changed the names of constrained templates; torch's own were made by g++.
set(torch_names $<$<CXX_COMPILER_ID:Clang>:-fclang-abi-compat=17>)

# Without sanitizers, as torch itself is; a program with sanitizers loads it.
file(GLOB torch_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/torch/*.cc)
list(FILTER torch_sources EXCLUDE REGEX "_test[.]cc$")
add_library(qkscope_torch MODULE ${torch_sources})
target_include_directories(qkscope_torch PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(qkscope_torch SYSTEM PRIVATE ${torch_dir}/include)
target_compile_definitions(qkscope_torch PRIVATE AT_PER_OPERATOR_HEADERS
  QK_TORCH_VERSION="${torch_version}" QK_TORCH_FOLDER="${torch_dir}")
target_compile_options(qkscope_torch PRIVATE -Wall -Wextra -Wshadow -ffp-contract=off
  -fvisibility=hidden ${torch_names} $<$<BOOL:${QK_WERROR}>:-Werror>)
target_link_libraries(qkscope_torch PRIVATE ${torch_dir}/lib/libtorch_cpu.so
  ${torch_dir}/lib/libc10.so ${CMAKE_DL_LIBS} nlohmann_json::nlohmann_json)
set_target_properties(qkscope_torch PROPERTIES CXX_STANDARD 20
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
  BUILD_RPATH ${torch_dir}/lib INSTALL_RPATH ${torch_dir}/lib)

if(QK_TESTS)
  file(GLOB torch_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/torch/*_test.cc)
  # What a plugin on the cpu does not reach is tested by itself: attention_bands_test.cc,
  # kernel_choice_test.cc, environment_test.cc.
  list(TRANSFORM torch_tests REPLACE "/(attention_bands|environment|kernel_choice)_test[.]cc$"
    "/\\1.cc" OUTPUT_VARIABLE torch_tested)
  list(FILTER torch_tested EXCLUDE REGEX "_test[.]cc$")
  add_executable(torch_test ${torch_tests} ${torch_tested})
  add_dependencies(torch_test qkscope_torch)
  target_include_directories(torch_test PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_include_directories(torch_test SYSTEM PRIVATE ${torch_dir}/include)
  target_compile_options(torch_test PRIVATE ${torch_names})
  target_compile_definitions(torch_test PRIVATE AT_PER_OPERATOR_HEADERS
    QK_TORCH_PLUGIN="$<TARGET_FILE:qkscope_torch>")
  target_link_libraries(torch_test PRIVATE qk_options GTest::gtest_main
    ${torch_dir}/lib/libtorch_cpu.so ${torch_dir}/lib/libc10.so ${CMAKE_DL_LIBS})
  set_target_properties(torch_test PROPERTIES BUILD_RPATH ${torch_dir}/lib UNITY_BUILD OFF)
  # One test asks for more memory than there is; AddressSanitizer would end the program.
  gtest_discover_tests(torch_test TEST_PREFIX torch. NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS optimised ENVIRONMENT ASAN_OPTIONS=allocator_may_return_null=1)
endif()
