# qk_module(<folder> [OPTIMISED] [DEPS <folders>...] [LINK <libraries>...])
# One folder under src/ is one static library, and its *_test.cc files are one test program.
# DEPS are the folders it may include (tools/check_layers.py reads these calls); LINK are outside
# libraries, private to the folder, so that heavy headers stay where they are used. OPTIMISED: ./check runs its
# tests with optimisation too, since they compare results of arithmetic, count the
# memory that is allocated, or are too many for sanitizers.
function(qk_module name)
  cmake_parse_arguments(M "OPTIMISED" "" "DEPS;LINK" ${ARGN})
  set(dir ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/*_test.cc)
  list(REMOVE_ITEM sources ${tests} ${dir}/main.cc)
  foreach(source ${sources})  # such a file includes itself, once for every set of instructions
    file(STRINGS ${source} includes_itself REGEX "hwy/foreach_target[.]h" LIMIT_COUNT 1)
    if(includes_itself)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
  add_library(qk_${name} STATIC ${sources})
  target_include_directories(qk_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM M_DEPS PREPEND qk_)
  target_link_libraries(qk_${name} PUBLIC qk_options ${M_DEPS} fmt::fmt PRIVATE ${M_LINK})
  if(tests AND QK_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE qk_${name} ${M_LINK} GTest::gtest_main GTest::gmock)
    target_compile_definitions(${name}_test PRIVATE
      QK_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
    set(label unit)
    if(M_OPTIMISED)
      set(label optimised)
      set_property(GLOBAL APPEND PROPERTY QK_OPTIMISED_TESTS ${name}_test)
    endif()
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST
      DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${label}
      ENVIRONMENT GLIBC_TUNABLES=glibc.malloc.tcache_count=0)  # see base/test_allocations.h
  endif()
endfunction()
