#include "dataset/dataset_folder.h"

#include <fmt/format.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"
#include "dataset/document_table.h"
#include "dataset/entry_names.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int kMostDepth = 8;  // of folders below a head's folder that are looked into

std::string name_of(const fs::path& path) { return path.filename().string(); }

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The entries of a folder in name order, as far as they can be read.
std::vector<fs::path> entries_of(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> out;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    out.push_back(it->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> out = entries_of(folder, error);
  if (error) fail("{}: cannot be read: {}", path_text(folder), error.message());
  return out;
}

// Iceberg's metadata/ and Paimon's snapshot/ have ordinary names: what lies in them decides.
std::string_view table_by_contents(const fs::path& entry) {
  const std::string name = name_of(entry);
  if ((name != "metadata" && name != "snapshot") || !is_folder(entry)) return "";
  std::error_code unreadable;
  for (const fs::path& file : entries_of(entry, unreadable)) {
    const std::string inside = name_of(file);
    const bool is_iceberg = inside.ends_with(".metadata.json") || inside == "version-hint.text";
    if (name == "metadata" && is_iceberg) return "an Iceberg table";
    if (name == "snapshot" && inside.starts_with("snapshot-")) return "a Paimon table";
  }
  return "";
}

// "is a Delta Lake table (it holds _delta_log), ..." if the folder with these entries is one.
std::string lake_fault(const std::vector<fs::path>& entries) {
  for (const fs::path& entry : entries) {
    std::string_view table = lake_table_of(name_of(entry));
    if (table.empty()) table = table_by_contents(entry);
    if (table.empty()) continue;
    return fmt::format(
        "is {} (it holds {}), and only its log says which files count: read it with a library for "
        "that format, and write each head as l00h00q/data.parquet",
        table, name_of(entry));
  }
  return "";
}

// Does the file begin as Parquet and Arrow files do?
bool begins_as_table(const fs::path& path) {
  std::array<char, 6> bytes{};
  std::ifstream(path, std::ios::binary).read(bytes.data(), bytes.size());
  const std::string_view text(bytes.data(), bytes.size());
  return text.starts_with("PAR1") || text.starts_with("PARE") || text == "ARROW1";
}

bool is_regular(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// Why a file of a head's folder, other than Parquet files and sidecars, is not read; empty if it is
// no data.
std::string reason_for_file(const fs::path& file) {
  const std::string name = name_of(file);
  if (name.ends_with(".tmp")) return "was left by an interrupted run";
  std::error_code error;
  if (!is_regular(file) || fs::file_size(file, error) == 0) return "";
  if (!is_data_name(name) && !begins_as_table(file)) return "";
  return "is not read: the names of a head's files end in .parquet";
}

// Why a Parquet file is not read; empty if it is.
std::string reason_for_parquet(const fs::path& file) {
  const std::string original = copied_name(name_of(file));
  if (original.empty() || !is_regular(file.parent_path() / original)) return "";
  return fmt::format("is not read: by its name it is a copy of {}", printable(original));
}

// The data files in the folders below a head's folder, as far as they are looked into.
struct DataBelow {
  std::vector<fs::path> files;
  std::string lake;  // "holds data, which is a Delta Lake table ..."
};

// Does a link lead to the folder that it lies in, or to one above?
bool leads_up(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::canonical(link, error);
  const fs::path here = error ? fs::path() : fs::canonical(link.parent_path(), error);
  return error || std::mismatch(target.begin(), target.end(), here.begin(), here.end()).first ==
                      target.end();
}

void find_data(const fs::path& folder, int depth, DataBelow& out);

// Of a linked folder only the files directly in it, since links can lead round in circles.
void look_into(const fs::path& folder, int depth, DataBelow& out) {
  std::error_code error;
  if (!fs::is_symlink(folder, error)) {
    find_data(folder, depth, out);
  } else if (!leads_up(folder)) {
    find_data(folder, kMostDepth, out);
  }
}

void find_data(const fs::path& folder, int depth, DataBelow& out) {
  std::error_code unreadable;
  const std::vector<fs::path> entries = entries_of(folder, unreadable);
  if (const std::string lake = lake_fault(entries); !lake.empty() && out.lake.empty()) {
    out.lake = fmt::format("holds {}, which {}", printable(name_of(folder)), lake);
  }
  for (const fs::path& entry : entries) {
    if (is_sidecar_name(name_of(entry))) continue;
    if (is_folder(entry)) {
      if (depth < kMostDepth) look_into(entry, depth + 1, out);
    } else if (is_parquet_name(name_of(entry)) || !reason_for_file(entry).empty()) {
      out.files.push_back(entry);
    }
  }
}

// What is said of the data files in the folders below a head's folder.
DatasetProblem unread_below(const fs::path& folder, const std::vector<fs::path>& files) {
  const std::string below = files.front().lexically_relative(folder).begin()->string();
  std::string what = "is not read";
  if (files.size() == 2) what += ", nor is 1 more file below";
  if (files.size() > 2) what += fmt::format(", nor are {} more files below", files.size() - 1);
  what += ": a head's Parquet files lie directly in its folder";
  if (below.find('=') != std::string::npos) {
    what += fmt::format(
        ", and {} is a column in them (pyarrow.dataset.dataset(folder, partitioning=\"hive\") reads "
        "such folders)",
        printable(below.substr(0, below.find('='))));
  }
  return {files.front(), what};
}

bool has_head_columns(const fs::path& file) {
  if (!why_unreadable(file).empty()) return false;
  try {
    const auto reader = parquet::ParquetFileReader::OpenFile(file.string(), /*memory_map=*/false);
    const parquet::schema::GroupNode& root = *reader->metadata()->schema()->group_node();
    return root.FieldIndex("vector") >= 0 && root.FieldIndex("bucket") >= 0;
  } catch (const std::exception&) {
    return false;
  }
}

// The first entry of a folder that is named as a head; empty if none is.
std::string first_head_in(const fs::path& folder) {
  std::error_code error;
  std::string out;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = name_of(it->path());
    if (parse_config_name(name) && (out.empty() || name < out)) out = name;
  }
  return out;
}

// Why an entry beside the heads is not read; empty if it does not look like one.
std::string reason_beside(const fs::path& entry) {
  const std::string name = name_of(entry);
  std::error_code error;
  if (!fs::exists(entry, error)) {
    return head_name_like(name) ? "is not read: it is a link to nothing" : "";
  }
  if (parse_config_name(name)) return "is not read: a head is a folder, not a file";
  if (const auto meant = head_name_like(name)) {
    return fmt::format("is not read: a head's folder is named like {}", *meant);
  }
  if (is_folder(entry)) {
    const std::string head = first_head_in(entry);
    return head.empty() ? "" : "is not read: it holds heads of its own, like " + head;
  }
  if (name == std::string(kDocumentTable) + ".tmp") return "was left by an interrupted run";
  if (is_regular(entry) && is_parquet_name(name) && has_head_columns(entry)) {
    return "is not read: it has the columns of a head, and a head's files lie in a folder like "
           "l00h00q";
  }
  return "";
}

}  // namespace

HeadFolder list_head_folder(const fs::path& folder) {
  HeadFolder out;
  std::error_code error;
  const std::vector<fs::path> entries = entries_of(folder, error);
  DataBelow below;
  for (const fs::path& entry : entries) {
    if (is_sidecar_name(name_of(entry))) continue;
    if (is_folder(entry)) {
      const size_t before = below.files.size();
      look_into(entry, 1, below);
      // An empty folder with the name of a file: whoever opens it says so.
      const bool is_in_place_of_file = is_parquet_name(name_of(entry));
      if (is_in_place_of_file && below.files.size() == before) out.files.push_back(entry);
    } else if (is_parquet_name(name_of(entry))) {
      std::string why = reason_for_parquet(entry);
      if (why.empty()) out.files.push_back(entry);
      if (!why.empty()) out.unread.push_back({entry, std::move(why)});
    } else if (std::string why = reason_for_file(entry); !why.empty()) {
      out.unread.push_back({entry, std::move(why)});
    }
  }
  if (!below.files.empty()) out.unread.push_back(unread_below(folder, below.files));
  out.fault = error ? "cannot be read: " + error.message() : lake_fault(entries);
  if (out.fault.empty()) out.fault = below.lake;
  if (!out.fault.empty()) return {.files = {}, .unread = {}, .fault = out.fault};
  if (!out.files.empty()) return out;
  out.fault = "holds no Parquet file";
  if (out.unread.empty()) return out;
  const DatasetProblem first = out.unread.front();
  out.unread.erase(out.unread.begin());
  out.fault += fmt::format(
      " itself; {} {}", printable(first.file.lexically_relative(folder).string(), 200), first.what);
  return out;
}

DatasetFolder list_dataset_folder(const fs::path& folder) {
  const std::vector<fs::path> entries = entries_of(folder);
  if (const std::string fault = lake_fault(entries); !fault.empty()) {
    fail("{}: {}", path_text(folder), fault);
  }
  DatasetFolder out;
  for (const fs::path& entry : entries) {
    const std::string name = name_of(entry);
    if (is_sidecar_name(name)) continue;
    const auto head = parse_config_name(name);
    if (head && is_folder(entry)) {
      out.heads.push_back(*head);
    } else if (std::string why = reason_beside(entry); !why.empty()) {
      out.unread.push_back({entry, std::move(why)});
    }
  }
  std::sort(out.heads.begin(), out.heads.end());
  return out;
}

namespace {

// The first folder below that holds heads, up to three levels down; empty if there is none.
fs::path find_heads_below(const fs::path& folder, int depth) {
  std::error_code unreadable;
  for (const fs::path& entry : entries_of(folder, unreadable)) {
    if (is_sidecar_name(name_of(entry)) || !is_folder(entry)) continue;
    if (!first_head_in(entry).empty()) return entry;
    if (depth == 1) continue;
    if (fs::path below = find_heads_below(entry, depth - 1); !below.empty()) return below;
  }
  return {};
}

}  // namespace

std::string no_heads_text(const fs::path& folder, const DatasetFolder& listing) {
  std::string text = ": it has no folder like l00h00q";
  const fs::path itself = fs::absolute(folder / ".").lexically_normal().parent_path();
  if (parse_config_name(name_of(itself))) {
    return text + ", but is one itself: name the folder that holds it";
  }
  if (const fs::path below = find_heads_below(folder, 3); !below.empty()) {
    return fmt::format("{}; the heads lie in {}: name that folder", text,
                       printable(below.lexically_relative(folder).string(), 200));
  }
  if (listing.unread.empty()) return text;
  const DatasetProblem& first = listing.unread.front();
  return fmt::format("{}; {} {}", text, printable(name_of(first.file)), first.what);
}

}  // namespace qk
