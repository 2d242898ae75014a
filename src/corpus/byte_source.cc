#include "corpus/byte_source.h"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/result.h>
#include <arrow/util/compression.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"

namespace qk {
namespace {

using arrow::Compression;

// A kind of packed file. Its first bytes tell it, and its suffix where a file lacks them.
struct Packing {
  std::string_view suffix;
  std::string_view first_bytes;                  // empty: only the suffix tells it
  std::optional<Compression::type> compression;  // none: not supported
};
constexpr std::array<Packing, 11> kPackings = {{
    {".gz", "\x1F\x8B", Compression::GZIP},
    {".zst", "\x28\xB5\x2F\xFD", Compression::ZSTD},
    {".bz2", "BZh91AY&SY", Compression::BZ2},
    {".xz", "\xFD\x37zXZ", std::nullopt},
    {".zip", "PK\x03\x04", std::nullopt},
    {".lz4", "\x04\x22\x4D\x18", std::nullopt},
    {".7z", "7z\xBC\xAF\x27\x1C", std::nullopt},
    {".rar", "Rar!\x1A\x07", std::nullopt},
    {".Z", "\x1F\x9D", std::nullopt},
    {".br", "", std::nullopt},
    {".tar", "", std::nullopt},
}};

template <typename T>
T value_or_fail(arrow::Result<T> result, const std::filesystem::path& path, const char* what) {
  if (!result.ok()) fail("{}: {}: {}", path_text(path), what, printable(result.status().message()));
  return std::move(result).ValueUnsafe();
}

// Files and unpacked files alike.
class StreamSource final : public ByteSource {
 public:
  StreamSource(std::shared_ptr<arrow::io::InputStream> stream,
               std::shared_ptr<arrow::util::Codec> codec, const std::filesystem::path& path)
      : codec_(std::move(codec)), stream_(std::move(stream)), path_(path) {}

  size_t read(std::span<char> buffer) override {
    return static_cast<size_t>(
        value_or_fail(stream_->Read(static_cast<int64_t>(buffer.size()), buffer.data()), path_,
                      "cannot be read, or is damaged"));
  }

 private:
  std::shared_ptr<arrow::util::Codec> codec_;  // outlives the stream that unpacks with it
  std::shared_ptr<arrow::io::InputStream> stream_;
  std::filesystem::path path_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : rest_(bytes) {}

  size_t read(std::span<char> buffer) override {
    const size_t n = rest_.copy(buffer.data(), buffer.size());
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
};

// How the file is packed; null if it is not. REQUIRES: the file is at its beginning.
const Packing* packing_of(arrow::io::ReadableFile& file, const std::filesystem::path& path) {
  constexpr int64_t kMostFirstBytes = 10;
  const std::shared_ptr<arrow::Buffer> start =
      value_or_fail(file.Read(kMostFirstBytes), path, "cannot be read");
  if (!file.Seek(0).ok()) fail("{}: cannot be read", path_text(path));
  const std::string_view first(*start);
  const std::string suffix = path.extension().string();
  const Packing* out = nullptr;
  for (const Packing& packing : kPackings) {
    if (!packing.first_bytes.empty() && first.starts_with(packing.first_bytes)) return &packing;
    if (packing.suffix == suffix) out = &packing;
  }
  return out;
}

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  require_readable(path);
  const auto file =
      value_or_fail(arrow::io::ReadableFile::Open(path.string()), path, "cannot be opened");
  std::shared_ptr<arrow::io::InputStream> stream = file;
  std::shared_ptr<arrow::util::Codec> codec;
  if (const Packing* packing = packing_of(*file, path)) {
    if (!packing->compression) {
      fail("{}: expected a plain file, or one packed as .gz, .zst or .bz2, found {}",
           path_text(path), packing->suffix);
    }
    codec = value_or_fail(arrow::util::Codec::Create(*packing->compression), path,
                          "cannot be unpacked");
    stream = value_or_fail(arrow::io::CompressedInputStream::Make(codec.get(), stream), path,
                           "cannot be unpacked");
  }
  return std::make_unique<StreamSource>(std::move(stream), std::move(codec), path);
}

std::unique_ptr<ByteSource> bytes_in_memory(std::string_view bytes) {
  return std::make_unique<MemorySource>(bytes);
}

}  // namespace qk
