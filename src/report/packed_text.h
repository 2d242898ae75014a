// Text packed as pandas packs the CSV files that it writes: by the end of the file's name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qk {

enum class Packing : uint8_t {
  kNone,
  kGzip,
  kBzip2,
  kXz,
  kZstd,
  kZip,
  kTar,
  kTarGz,
  kTarBz2,
  kTarXz
};

// By the name, in any case: .gz, .bz2, .xz, .zst, .zip, .tar, .tar.gz, .tar.bz2, .tar.xz; else
// none. Throws Error for the suffix of another packing (.lz4, .7z, .tgz, ...), which pandas would
// not apply either.
Packing packing_of(const std::filesystem::path& path);

// The bytes of a file that holds `text`. An archive's only file has the name of `path` without the
// archive's suffix. Holds no date: equal arguments give equal bytes. Throws Error if it cannot.
std::string pack_text(std::string_view text, Packing packing, const std::filesystem::path& path);

// What a file holds, unpacked by its first bytes, whatever its name is; layers such as .tar.gz are
// all removed. Plain text comes back as it is. Throws Error naming `path`: damaged, an archive of
// several files, more than 1 GiB.
std::string unpack_text(std::span<const std::byte> bytes, const std::filesystem::path& path);

// Whether unpack_text would change the bytes.
bool is_packed(std::span<const std::byte> bytes);

}  // namespace qk
