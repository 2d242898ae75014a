#include "dataset/overwrite.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "dataset/card.h"
#include "dataset/document_table.h"
#include "dataset/entry_names.h"
#include "dataset/schema.h"
#include "dataset/temporary_files.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

void remove_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    fail("{}: cannot be removed: {}", path.string(), std::strerror(errno));
  }
}

// Folders l##h##[qk] in name order, symbolic links of such a name included.
std::vector<fs::path> head_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::file_status status = it->symlink_status(error);
    const bool is_folder = fs::is_directory(status) || fs::is_symlink(status);
    if (is_folder && parse_config_name(it->path().filename().string())) found.push_back(it->path());
  }
  if (error) fail("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(found.begin(), found.end());
  return found;
}

void check_head_folder(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) {
    fail("{}: is a symbolic link, a head's folder must be a folder: remove it", path.string());
  }
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const fs::path& file = it->path();
    const std::string name = file.filename().string();
    if (is_parquet_name(name) && !is_sidecar_name(name) && name != "data.parquet") {
      fail("{}: a new dataset would not replace it, and readers would mix the two: remove it",
           file.string());
    }
  }
  if (error) fail("{}: cannot be read: {}", path.string(), error.message());
}

void check_journals(const fs::path& folder, Start start) {
  if (start == Start::kShard) return;
  const std::vector<fs::path> journals = journal_paths(folder);
  for (const fs::path& journal : journals) {
    if (is_being_written(journal)) {
      fail("{}: another run is writing into this folder", journal.string());
    }
  }
  if (start == Start::kNew && !journals.empty()) {
    fail(
        "{}: an interrupted run left this journal: "
        "--resume continues it, --overwrite discards it",
        journals.front().string());
  }
}

// A README.md that is not the card of a dataset. A link to a card is one, and
// whatever lies beside the state file, which the original tool writes with its card.
bool has_foreign_card(const fs::path& folder) {
  const fs::path card = folder / "README.md";
  if (!is_there(card) || is_there(folder / "_saver_state.json")) return false;
  std::error_code error;
  if (!fs::is_regular_file(card, error)) return true;
  if (fs::file_size(card, error) > kMostCardBytes || error) return true;
  return !is_dataset_card(read_file(card, kMostCardBytes));
}

bool has_card(const fs::path& folder) {
  return is_there(folder / "README.md") && !has_foreign_card(folder);
}

void refuse_foreign_card(const fs::path& folder) {
  if (!has_foreign_card(folder)) return;
  fail(
      "{}: is not the card of a dataset, and the run would replace it with its card: move it or "
      "choose another folder",
      (folder / "README.md").string());
}

bool has_document_table(const fs::path& folder) {
  return is_there(folder / kDocumentTable) && !has_foreign_document_table(folder);
}

// The name of something that belongs to a dataset; empty if nothing does.
std::string part_of_dataset(const fs::path& folder, const std::vector<fs::path>& heads) {
  if (!heads.empty()) return heads.front().filename().string();
  if (has_card(folder)) return "README.md";
  return has_document_table(folder) ? std::string(kDocumentTable) : "";
}

}  // namespace

void prepare_output_folder(const fs::path& folder, Start start) {
  make_output_folder(folder);
  check_journals(folder, start);
  refuse_foreign_card(folder);
  const std::vector<fs::path> heads = head_folders(folder);
  const std::string part = part_of_dataset(folder, heads);
  if (start == Start::kNew && !part.empty()) {
    fail(
        "{}: holds a dataset already ({}): "
        "choose another folder or use --overwrite, which replaces it",
        folder.string(), part);
  }
  for (const fs::path& head : heads) check_head_folder(head);
  make_journal_folder(folder);
  if (start != Start::kOverwrite) return;
  remove_journals(folder);
  make_journal_folder(folder);
}

void refuse_foreign_document_table(const fs::path& folder) {
  if (!has_foreign_document_table(folder)) return;
  fail(
      "{}: is not of a dataset, and the run would replace it with its table of documents: move it "
      "or choose another folder",
      (folder / kDocumentTable).string());
}

std::vector<fs::path> files_of_dataset(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error || !fs::is_directory(root, error)) return files;
  if (has_card(root)) files.push_back(root / "README.md");
  if (has_document_table(root)) files.push_back(root / kDocumentTable);
  for (const char* name : {"README.md.tmp", "documents.parquet.tmp", "_saver_state.json.tmp"}) {
    files.push_back(root / name);  // of a run that was killed
  }
  for (const fs::path& head : head_folders(root)) {
    files.push_back(head / "data.parquet");
    for (const fs::path& file : temporary_files(head)) files.push_back(file);
  }
  files.push_back(root / "_saver_state.json");
  std::erase_if(files, [](const fs::path& file) { return !is_there(file); });
  return files;
}

void remove_dataset(const fs::path& folder, const std::set<std::string>& keep) {
  if (has_card(folder)) remove_if_there(folder / "README.md");
  remove_if_there(folder / "_saver_state.json");
  const std::string table(kDocumentTable);
  if (!keep.contains(table)) {
    remove_if_there(folder / (table + ".tmp"));
    if (has_document_table(folder)) remove_if_there(folder / table);
  }
  for (const fs::path& head : head_folders(folder)) {
    if (keep.contains(head.filename().string())) continue;
    check_head_folder(head);
    remove_if_there(head / "data.parquet");
    remove_temporary_files(head);
    ::rmdir(head.c_str());  // stays if it holds other files
  }
}

}  // namespace qk
