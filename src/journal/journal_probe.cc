#include "journal/journal_probe.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/mapped_file.h"
#include "journal/journal_format.h"

namespace qk {

bool may_hold_document(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.empty()) return false;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (bytes.size() < journal::kFileHeadBytes || !text.starts_with(journal::kFileMagic)) return true;
  const size_t header = journal::get<uint32_t>(bytes, 12);
  size_t at = (journal::kFileHeadBytes + header + 7) / 8 * 8 + journal::kChecksumBytes;
  if (at > bytes.size()) return true;  // a reader names the damage
  while (at < bytes.size()) {
    const std::optional<journal::RecordHead> head = journal::decode_head(bytes, at);
    if (head && head->type == journal::RecordType::kDocumentEnd) return true;
    at += head ? head->record_bytes() : 8;
  }
  return false;
}

}  // namespace qk
