#include "hub/repo.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace qk {
namespace {

constexpr size_t kMaxRepoId = 96;
constexpr size_t kCommitDigits = 40;
constexpr size_t kMaxBranch = 244;  // a file of .git/refs/heads/ with ".lock" still has a name

bool is_letter_or_digit(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_id_part(std::string_view part) {
  if (part.empty()) return false;
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  if (is_edge(part.front()) || is_edge(part.back())) return false;
  return std::all_of(part.begin(), part.end(), [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
  });
}

// The rules of `git check-ref-format` for one part between slashes.
std::string branch_part_fault(std::string_view part) {
  if (part.empty()) return "it has an empty part between slashes";
  if (part.starts_with('.')) return "a part of it starts with '.'";
  if (part.ends_with(".lock")) return "a part of it ends with '.lock'";
  return "";
}

std::string encode(std::string_view text, std::string_view kept) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter_or_digit(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace

bool is_repo_id(std::string_view text) {
  if (text.size() > kMaxRepoId || text.ends_with(".git")) return false;
  if (text.find("--") != std::string_view::npos) return false;
  if (text.find("..") != std::string_view::npos) return false;
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_id_part(text);
  return is_id_part(text.substr(0, slash)) && is_id_part(text.substr(slash + 1));
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_commit(std::string_view text) { return text.size() == kCommitDigits && is_hex(text); }

std::string branch_name_fault(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.size() > kMaxBranch) return "it is longer than 244 bytes";
  if (text == "@" || text.starts_with('-')) return "it is '@' or starts with '-'";
  if (text.starts_with("refs/")) return "it starts with 'refs/'";
  if (is_commit(text)) return "it looks like a commit";
  if (text.ends_with('.')) return "it ends with '.'";
  for (const std::string_view bad : {"..", "@{"}) {
    if (text.find(bad) != std::string_view::npos) return "it holds '" + std::string(bad) + "'";
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 127) return "it holds a blank or a control character";
    if (std::string_view("~^:?*[\\").find(c) != std::string_view::npos) {
      return std::string("it holds '") + c + "'";
    }
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('/', begin), text.size());
    if (std::string fault = branch_part_fault(text.substr(begin, end - begin)); !fault.empty()) {
      return fault;
    }
    begin = end + 1;
  }
  return "";
}

std::string_view plural_of(RepoKind kind) {
  return kind == RepoKind::kModel ? "models" : "datasets";
}

std::string page_path(const Repo& repo) {
  return (repo.kind == RepoKind::kModel ? "" : "datasets/") + repo.id;
}

std::string encode_segment(std::string_view text) { return encode(text, "-._~"); }

std::string encode_path(std::string_view path) { return encode(path, "-._~/"); }

RepoRevision split_revision(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

}  // namespace qk
