// Handles, constants and the layout of MPI_Status in the three binary interfaces that MPI libraries
// have, written down so that one program serves them all without being compiled with their headers.
// Sources: mpi.h of Open MPI (the same in 4 and 5), mpi.h of MPICH (the same since MPICH 3.1, the first
// of the MPICH ABI initiative, and so in Intel MPI, Cray MPICH and MVAPICH), and mpi_abi.h, the
// appendix "MPI ABI" of the MPI standard 5.0. tests/cluster/mpi_numbers_check.cc compares each with
// the headers that are installed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qk {

struct MpiNumbers {
  int any_source, any_tag;
  int thread_funneled;
  int comm_type_shared;
  size_t status_bytes;
  size_t status_source, status_tag;  // offsets in bytes of an int each
};

// Handles are pointers to objects of the library, which have these names.
inline constexpr MpiNumbers kOpenMpiNumbers = {.any_source = -1,
                                               .any_tag = -1,
                                               .thread_funneled = 1,
                                               .comm_type_shared = 0,
                                               .status_bytes = 24,
                                               .status_source = 0,
                                               .status_tag = 4};
inline constexpr const char* kOpenMpiWorld = "ompi_mpi_comm_world";
inline constexpr const char* kOpenMpiByte = "ompi_mpi_byte";
inline constexpr const char* kOpenMpiInfoNull = "ompi_mpi_info_null";
inline constexpr const char* kOpenMpiErrorsReturn = "ompi_mpi_errors_return";

// Handles are ints.
inline constexpr MpiNumbers kMpichNumbers = {.any_source = -2,
                                             .any_tag = -1,
                                             .thread_funneled = 1,
                                             .comm_type_shared = 1,
                                             .status_bytes = 20,
                                             .status_source = 8,
                                             .status_tag = 12};
inline constexpr int kMpichWorld = 0x44000000;
inline constexpr int kMpichByte = 0x4c00010d;
inline constexpr int kMpichInfoNull = 0x1c000000;
inline constexpr int kMpichErrorsReturn = 0x54000001;

// Handles are pointers that are numbers.
inline constexpr MpiNumbers kStandardNumbers = {.any_source = -1,
                                                .any_tag = -2,
                                                .thread_funneled = 1024,
                                                .comm_type_shared = 221,
                                                .status_bytes = 32,
                                                .status_source = 0,
                                                .status_tag = 4};
inline constexpr uintptr_t kStandardWorld = 0x101;
inline constexpr uintptr_t kStandardByte = 0x247;
inline constexpr uintptr_t kStandardInfoNull = 0x130;
inline constexpr uintptr_t kStandardErrorsReturn = 0x143;

}  // namespace qk
