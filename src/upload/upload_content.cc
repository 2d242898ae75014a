#include "upload/upload_content.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace qk {
namespace {

struct FileState {
  int64_t size = 0, modified_ns = 0;
  bool operator==(const FileState&) const = default;
};

FileState state_of(const std::filesystem::path& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    fail("{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  constexpr int64_t kSecond = 1'000'000'000;
  return {found.st_size, found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec};
}

// Calls take(piece) with the content, piece by piece, until it returns false.
template <typename Take>
void read_pieces(const UploadFile& file, const Take& take) {
  if (file.source.empty()) {
    take(std::string_view(file.content));
    return;
  }
  std::ifstream in(file.source, std::ios::binary);
  std::string buffer(size_t{1} << 20, '\0');
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto count = static_cast<size_t>(in.gcount());
    if (count > 0 && !take(std::string_view(buffer).substr(0, count))) return;
  }
  if (!in.eof()) fail("{}: cannot be read", file.source.string());
}

}  // namespace

UploadFile describe_file(const std::string& path, const std::filesystem::path& source) {
  const FileState before = state_of(source);
  UploadFile out{.path = path,
                 .source = source,
                 .size = before.size,
                 .sha256 = sha256_file(source),
                 .modified_ns = before.modified_ns};
  refuse_changed(out);
  return out;
}

UploadFile describe_text(const std::string& path, std::string content) {
  Sha256 digest;
  digest.update(content);
  const auto size = static_cast<int64_t>(content.size());
  return {.path = path,
          .source = {},
          .content = std::move(content),
          .size = size,
          .sha256 = digest.hex()};
}

void refuse_changed(const UploadFile& file) {
  if (file.source.empty()) return;
  if (state_of(file.source) == FileState{file.size, file.modified_ns}) return;
  fail("{}: the file was changed while it was being published: run the same command again",
       file.source.string());
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends it with a zero
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

std::string first_bytes(const UploadFile& file, size_t most) {
  std::string out;
  read_pieces(file, [&](std::string_view piece) {
    out += piece.substr(0, most - out.size());
    return out.size() < most;
  });
  return out;
}

std::string git_blob_id(const UploadFile& file) {
  MessageDigest digest = MessageDigest::git_blob(file.size);
  read_pieces(file, [&](std::string_view piece) {
    digest.update(piece);
    return true;
  });
  return digest.hex();
}

bool is_content_of(const UploadFile& file, const RemoteFile& remote) {
  if (file.size != remote.size) return false;
  return remote.sha256.empty() ? git_blob_id(file) == remote.blob_id : file.sha256 == remote.sha256;
}

}  // namespace qk
