# Arrow and Parquet: the system's packages where they exist, else the libraries and headers that the
# pinned pyarrow wheel carries (tools/setup unpacks it into .deps/pyarrow). The latter are installed with
# the program: qk_bundled_libraries (cmake/install.cmake).
set(qk_bundled_libraries "")
set(qk_bundled_licence "")
find_package(Arrow QUIET)
find_package(Parquet QUIET)
if(Arrow_FOUND AND Parquet_FOUND)
  add_library(qk_arrow INTERFACE)
  target_link_libraries(qk_arrow INTERFACE Arrow::arrow_shared Parquet::parquet_shared)
else()
  set(wheel ${PROJECT_SOURCE_DIR}/.deps/pyarrow/pyarrow)
  file(GLOB arrow_library ${wheel}/libarrow.so.*)
  file(GLOB parquet_library ${wheel}/libparquet.so.*)
  if(NOT arrow_library OR NOT parquet_library)
    message(FATAL_ERROR "Arrow and Parquet were found neither on the system nor in "
      "${wheel}: run tools/setup first")
  endif()
  set(qk_bundled_libraries ${arrow_library} ${parquet_library})
  file(GLOB qk_bundled_licence ${PROJECT_SOURCE_DIR}/.deps/pyarrow/pyarrow-*.dist-info/licenses/LICENSE.txt)
  add_library(qk_arrow INTERFACE)
  target_include_directories(qk_arrow SYSTEM INTERFACE ${wheel}/include)
  target_link_libraries(qk_arrow INTERFACE ${qk_bundled_libraries})
endif()
