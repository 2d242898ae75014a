// The table of mpi_api.h for the MPI libraries whose binary interface is known (mpi_numbers.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cluster/mpi_api.h"

namespace qk {

enum class MpiFamily : uint8_t {
  kOpenMpi,
  kMpich,     // also Intel MPI, Cray MPICH, MVAPICH
  kStandard,  // the ABI of the standard, MPI 5.0 and later
};

// Address of a symbol of the library; null: it has none.
using MpiSymbols = std::function<void*(const char* name)>;

// By what the library exports; none: it is no MPI library.
std::optional<MpiFamily> find_mpi_family(const MpiSymbols& symbols);

// The table is the process's only one of its family: it serves the library that was named last.
// `library` names it in messages. Throws Error if a symbol is missing.
const QkMpiApi& mpi_api_of(MpiFamily family, const std::string& library, const MpiSymbols& symbols);

}  // namespace qk
