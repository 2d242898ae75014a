#include "corpus/byte_source.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/result.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"

namespace qk {
namespace {

constexpr std::array<std::string_view, 8> kUnsupportedArchives = {".zip", ".xz", ".lz4", ".7z",
                                                                  ".rar", ".Z",  ".br",  ".tar"};

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

std::optional<arrow::Compression::type> compression_of(const std::string& extension) {
  if (extension == ".gz") return arrow::Compression::GZIP;
  if (extension == ".zst") return arrow::Compression::ZSTD;
  if (extension == ".bz2") return arrow::Compression::BZ2;
  return std::nullopt;
}

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  require_readable(path);
  const std::string extension = path.extension().string();
  if (std::find(kUnsupportedArchives.begin(), kUnsupportedArchives.end(), extension) !=
      kUnsupportedArchives.end()) {
    fail("{}: expected a plain file, or one packed as .gz, .zst or .bz2, found {}", path_text(path),
         extension);
  }
  std::shared_ptr<arrow::io::InputStream> stream =
      value_or_fail(arrow::io::ReadableFile::Open(path.string()), path, "cannot be opened");
  std::shared_ptr<arrow::util::Codec> codec;
  if (const auto compression = compression_of(extension)) {
    codec = value_or_fail(arrow::util::Codec::Create(*compression), path, "cannot be unpacked");
    stream = value_or_fail(arrow::io::CompressedInputStream::Make(codec.get(), stream), path,
                           "cannot be unpacked");
  }
  return std::make_unique<StreamSource>(std::move(stream), std::move(codec), path);
}

std::unique_ptr<ByteSource> bytes_in_memory(std::string_view bytes) {
  return std::make_unique<MemorySource>(bytes);
}

}  // namespace qk
