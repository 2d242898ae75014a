// Digests: SHA-256 and git's SHA-1 for identities, XXH3 for checksums, BLAKE2b for example ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace qk {

// A digest of bytes that arrive in pieces. Threads: one at a time. Making one throws Error if the
// crypto library refuses the algorithm.
class MessageDigest {
 public:
  static MessageDigest sha256();
  // The name that git gives to a file of `size` bytes: SHA-1 of "blob <size>\0" and the content.
  static MessageDigest git_blob(int64_t size);

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  // The digest of all bytes so far in lower-case hexadecimal digits. More bytes may follow.
  std::string hex() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  MessageDigest(const char* name, const evp_md_st* algorithm);

  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

class Sha256 : public MessageDigest {
 public:
  Sha256() : MessageDigest(sha256()) {}
};

std::string sha256_hex(std::span<const std::byte> bytes);

// The digest of a whole file, read 1 MiB at a time. Throws Error if it is not a regular
// file, or cannot be opened or read.
std::string sha256_file(const std::filesystem::path& path);

// XXH3, 64 bits, seed 0.
uint64_t xxh3_64(std::span<const std::byte> bytes);

// BLAKE2b with a digest of 8 bytes, no key, read as a little-endian signed integer.
int64_t blake2b8(std::string_view text);

}  // namespace qk
