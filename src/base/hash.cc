#include "base/hash.h"

#include <blake2.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/path_text.h"

namespace qk {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace

void MessageDigest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

MessageDigest::MessageDigest(const char* name, const evp_md_st* algorithm)
    : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), algorithm, nullptr) != 1) {
    fail("OpenSSL: {}: expected to be available, found an error at its start", name);
  }
}

void MessageDigest::update(std::span<const std::byte> bytes) {
  QK_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

void MessageDigest::update(std::string_view text) { update(bytes_of(text)); }

std::string MessageDigest::hex() const {
  const std::unique_ptr<evp_md_ctx_st, Free> copy(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  QK_CHECK(copy && EVP_MD_CTX_copy_ex(copy.get(), context_.get()) == 1);
  QK_CHECK(EVP_DigestFinal_ex(copy.get(), digest.data(), &size) == 1);
  std::string out;
  for (const unsigned char byte : std::span(digest).first(size)) {
    out += fmt::format("{:02x}", byte);
  }
  return out;
}

MessageDigest MessageDigest::sha256() { return {"SHA-256", EVP_sha256()}; }

MessageDigest MessageDigest::git_blob(int64_t size) {
  MessageDigest digest("SHA-1", EVP_sha1());
  digest.update(fmt::format("blob {}", size));
  digest.update(std::string_view("\0", 1));
  return digest;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe would wait for its writer here.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail("{}: cannot be opened: {}", path_text(path), std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    fail("{}: is not a regular file", path_text(path));
  }
  Sha256 digest;
  std::vector<std::byte> buffer(kReadBytes);
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("{}: cannot be read: {}", path_text(path), std::strerror(errno));
    if (got == 0) return digest.hex();
    digest.update(std::span(buffer).first(static_cast<size_t>(got)));
  }
}

uint64_t xxh3_64(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

int64_t blake2b8(std::string_view text) {
  std::array<unsigned char, 8> digest{};
  QK_CHECK(blake2b(digest.data(), text.data(), nullptr, digest.size(), text.size(), 0) == 0);
  uint64_t value = 0;
  for (size_t i = digest.size(); i-- > 0;) value = value << 8 | digest[i];
  return static_cast<int64_t>(value);
}

}  // namespace qk
