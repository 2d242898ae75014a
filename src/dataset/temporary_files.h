// The names under which a head's file is written before it is whole.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// data.parquet.tmp, or data.parquet.<token>.tmp of one of several writers.
std::string temporary_name(std::string_view token);

// The files of such names in the folder of a head.
std::vector<std::filesystem::path> temporary_files(const std::filesystem::path& head_folder);

// Removes the files of such names in the folder of a head: those of the writer (also with more after
// its token and a dot), or with an empty token all. What cannot be removed stays. REQUIRES: the folder
// is no symbolic link.
void remove_temporary_files(const std::filesystem::path& head_folder,
                            std::string_view token = "") noexcept;

}  // namespace qk
