// Repositories of the Hugging Face Hub and how their addresses are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qk {

enum class RepoKind : uint8_t { kModel, kDataset };

// "name" or "org/name" by the Hub's rule: letters, digits, '-', '_', '.', at most 96 characters; no
// part starts or ends with '-' or '.'; no "--", no "..", no ".git" at the end.
bool is_repo_id(std::string_view text);

// Lower-case hexadecimal digits only.
bool is_hex(std::string_view text);
// 40 of them.
bool is_commit(std::string_view text);

// Why git does not take the text as the name of a branch ("it ends with '.lock'"); empty: it does.
std::string branch_name_fault(std::string_view text);

struct Repo {
  RepoKind kind = RepoKind::kModel;
  std::string id;
  bool operator==(const Repo&) const = default;
};

// "models", "datasets": the segment of API addresses.
std::string_view plural_of(RepoKind kind);
// "org/name" of a model, "datasets/org/name" of a dataset: the path of the web page.
std::string page_path(const Repo& repo);

// Percent-encodes everything but letters, digits and "-._~"; encode_path() keeps '/' as well.
std::string encode_segment(std::string_view text);
std::string encode_path(std::string_view path);

// "REPO@REV" taken apart; without '@' the revision is empty. The text after the first '@'.
struct RepoRevision {
  std::string id, revision;
};
RepoRevision split_revision(std::string_view text);

}  // namespace qk
