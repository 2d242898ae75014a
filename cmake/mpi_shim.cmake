# The C file that `qkscope mpi-shim` prints, as a string literal that src/cli/mpi_shim_command.cc
# includes: src/cluster/mpi_shim.c with mpi_api.h in the place of its #include.
set(mpi_shim_file ${PROJECT_SOURCE_DIR}/src/cluster/mpi_shim.c)
set(mpi_api_file ${PROJECT_SOURCE_DIR}/src/cluster/mpi_api.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${mpi_shim_file} ${mpi_api_file})
file(READ ${mpi_shim_file} mpi_shim)
file(READ ${mpi_api_file} mpi_api)
string(REPLACE "#include \"cluster/mpi_api.h\"\n" "${mpi_api}" mpi_shim "${mpi_shim}")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/qk_mpi_shim.inc
  CONTENT [[R"qk_shim(@mpi_shim@)qk_shim"]] @ONLY)
