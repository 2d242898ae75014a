#include "report/packed_text.h"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/memory.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>

#include "base/error.h"
#include "report/archive_c.h"

namespace qk {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr int kMostLayers = 3;

enum class Archive : uint8_t { kXz, kZip, kTar };  // as archive_c.h numbers them

struct Suffix {
  std::string_view text;
  Packing packing;
};

// As pandas knows them; a longer one before its end.
constexpr std::array<Suffix, 9> kSuffixes = {{{".tar.gz", Packing::kTarGz},
                                              {".tar.bz2", Packing::kTarBz2},
                                              {".tar.xz", Packing::kTarXz},
                                              {".tar", Packing::kTar},
                                              {".gz", Packing::kGzip},
                                              {".bz2", Packing::kBzip2},
                                              {".xz", Packing::kXz},
                                              {".zst", Packing::kZstd},
                                              {".zip", Packing::kZip}}};
constexpr std::array<std::string_view, 20> kOtherSuffixes = {
    ".tar.zst", ".tar.lz4", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".zstd", ".gzip", ".bz",
    ".lz4",     ".lzma",    ".lzo", ".lz",  ".br",   ".z",   ".7z",   ".rar",  ".sz",   ".snappy"};

struct Magic {
  std::string_view bytes;
  size_t at;
  Packing packing;         // kNone: one that is not read
  std::string_view other;  // the name of that
};

using namespace std::string_view_literals;

constexpr std::array<Magic, 13> kMagics = {{{"\x1f\x8b"sv, 0, Packing::kGzip, ""},
                                            {"BZh"sv, 0, Packing::kBzip2, ""},
                                            {"\xfd\x37zXZ\0"sv, 0, Packing::kXz, ""},
                                            {"\x28\xb5\x2f\xfd"sv, 0, Packing::kZstd, ""},
                                            {"\x2a\x4d\x18"sv, 1, Packing::kZstd, ""},
                                            {"PK\x03\x04"sv, 0, Packing::kZip, ""},
                                            {"PK\x05\x06"sv, 0, Packing::kZip, ""},
                                            {"ustar"sv, 257, Packing::kTar, ""},
                                            {"\x04\x22\x4d\x18"sv, 0, Packing::kNone, "LZ4"},
                                            {"7z\xbc\xaf\x27\x1c"sv, 0, Packing::kNone, "7z"},
                                            {"\x5d\0\0"sv, 0, Packing::kNone, "LZMA"},
                                            {"Rar!\x1a"sv, 0, Packing::kNone, "RAR"},
                                            {"\x1f\x9d"sv, 0, Packing::kNone, "compress (.Z)"}}};

const Magic* magic_of(std::string_view bytes) {
  for (const Magic& magic : kMagics) {
    if (bytes.size() >= magic.at && bytes.substr(magic.at).starts_with(magic.bytes)) return &magic;
  }
  return nullptr;
}

std::string lower_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

const Suffix* suffix_of(const std::filesystem::path& path) {
  const std::string name = lower_name(path);
  for (const Suffix& suffix : kSuffixes) {
    if (name.ends_with(suffix.text)) return &suffix;
  }
  return nullptr;
}

std::optional<arrow::Compression::type> stream_kind(Packing packing) {
  if (packing == Packing::kGzip || packing == Packing::kTarGz) return arrow::Compression::GZIP;
  if (packing == Packing::kBzip2 || packing == Packing::kTarBz2) return arrow::Compression::BZ2;
  if (packing == Packing::kZstd) return arrow::Compression::ZSTD;
  return std::nullopt;
}

template <typename T>
T packed_or_fail(arrow::Result<T> result, const std::filesystem::path& path, const char* what) {
  if (!result.ok()) {
    fail("{}: {}: {}", path.string(), what, printable(result.status().message(), 300));
  }
  return *std::move(result);
}

arrow::Result<std::string> pack_stream(std::string_view text, arrow::Compression::type kind) {
  ARROW_ASSIGN_OR_RAISE(const auto codec, arrow::util::Codec::Create(kind));
  ARROW_ASSIGN_OR_RAISE(const auto sink, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(const auto stream,
                        arrow::io::CompressedOutputStream::Make(codec.get(), sink));
  ARROW_RETURN_NOT_OK(stream->Write(text.data(), static_cast<int64_t>(text.size())));
  ARROW_RETURN_NOT_OK(stream->Close());
  ARROW_ASSIGN_OR_RAISE(const auto buffer, sink->Finish());
  return buffer->ToString();
}

arrow::Result<std::string> unpack_stream(std::string_view bytes, arrow::Compression::type kind) {
  ARROW_ASSIGN_OR_RAISE(const auto codec, arrow::util::Codec::Create(kind));
  const auto source =
      std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(bytes));
  ARROW_ASSIGN_OR_RAISE(const auto stream,
                        arrow::io::CompressedInputStream::Make(codec.get(), source));
  constexpr int64_t kPiece = int64_t{1} << 20;
  std::string out;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, stream->Read(kPiece));
    if (piece->size() == 0) return out;
    out += std::string_view(*piece);
    if (out.size() > kMostBytes) {
      return arrow::Status::Invalid("it holds more than 1 GiB; unpack it first");
    }
  }
}

std::string take(qk_archive_bytes bytes) {
  std::string out(reinterpret_cast<const char*>(bytes.data), bytes.size);
  qk_archive_free(bytes);
  return out;
}

std::string pack_archive(std::string_view text, Archive kind, const std::string& name,
                         const std::filesystem::path& path) {
  qk_archive_bytes packed{};
  qk_archive_bytes error{};
  if (qk_archive_pack(static_cast<int32_t>(kind), name.data(), name.size(), text.data(),
                      text.size(), &packed, &error) != 0) {
    fail("{}: cannot be packed: {}", path.string(), printable(take(error), 300));
  }
  return take(packed);
}

std::string unpack_archive(std::string_view bytes, Archive kind,
                           const std::filesystem::path& path) {
  qk_archive_bytes unpacked{};
  qk_archive_bytes error{};
  if (qk_archive_unpack(static_cast<int32_t>(kind), bytes.data(), bytes.size(), kMostBytes,
                        &unpacked, &error) != 0) {
    fail("{}: cannot be unpacked: {}", path.string(), printable(take(error), 300));
  }
  return take(unpacked);
}

std::string unpack_layer(std::string_view bytes, const Magic& magic,
                         const std::filesystem::path& path) {
  if (const auto kind = stream_kind(magic.packing)) {
    return packed_or_fail(unpack_stream(bytes, *kind), path, "cannot be unpacked");
  }
  switch (magic.packing) {
    case Packing::kXz:
      return unpack_archive(bytes, Archive::kXz, path);
    case Packing::kZip:
      return unpack_archive(bytes, Archive::kZip, path);
    case Packing::kTar:
      return unpack_archive(bytes, Archive::kTar, path);
    default:
      fail("{}: expected plain text, or text packed as gzip, bzip2, xz, zstd, zip or tar, found {}",
           path.string(), magic.other);
  }
}

bool is_tar(Packing packing) {
  return packing == Packing::kTar || packing == Packing::kTarGz || packing == Packing::kTarBz2 ||
         packing == Packing::kTarXz;
}

}  // namespace

Packing packing_of(const std::filesystem::path& path) {
  const std::string name = lower_name(path);
  for (const std::string_view other : kOtherSuffixes) {
    if (!name.ends_with(other)) continue;
    fail(
        "{}: expected a plain file, or one packed as .gz, .bz2, .xz, .zst, .zip, .tar, .tar.gz, "
        ".tar.bz2 or .tar.xz, found {}",
        printable(path.string(), 400), other);
  }
  const Suffix* suffix = suffix_of(path);
  return suffix == nullptr ? Packing::kNone : suffix->packing;
}

std::string pack_text(std::string_view text, Packing packing, const std::filesystem::path& path) {
  std::string out(text);
  if (packing == Packing::kNone) return out;
  const Suffix* suffix = suffix_of(path);
  std::string name = path.filename().string();
  if (suffix != nullptr) name.resize(name.size() - suffix->text.size());
  if (name.empty()) name = "table.csv";
  if (packing == Packing::kZip) return pack_archive(out, Archive::kZip, name, path);
  if (is_tar(packing)) out = pack_archive(out, Archive::kTar, name, path);
  if (packing == Packing::kXz || packing == Packing::kTarXz) {
    return pack_archive(out, Archive::kXz, name, path);
  }
  if (const auto kind = stream_kind(packing)) {
    return packed_or_fail(pack_stream(out, *kind), path, "cannot be packed");
  }
  return out;
}

std::string unpack_text(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  std::string out(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (int layer = 0; layer < kMostLayers; ++layer) {
    const Magic* magic = magic_of(out);
    if (magic == nullptr) break;
    out = unpack_layer(out, *magic, path);
  }
  return out;
}

bool is_packed(std::span<const std::byte> bytes) {
  return magic_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) != nullptr;
}

}  // namespace qk
