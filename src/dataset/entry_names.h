// What the name of a file or folder says about it: Parquet, other data, or a file that operating
// systems, editors, sync programs and other writers of datasets leave beside the data.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace qk {

// Ends in .parquet, .parq or .pq, in letters of any case.
bool is_parquet_name(std::string_view name);

// Neither data nor a fault: hidden files (.DS_Store, ._data.parquet, .ipynb_checkpoints), Thumbs.db,
// desktop.ini, @eaDir, lost+found, backups and locks of editors (data.parquet~), the marks of Spark
// and Dask (_SUCCESS, _metadata).
bool is_sidecar_name(std::string_view name);

// The name of which this is a copy by the habits of file managers and sync programs: "data.parquet"
// for "data (1).parquet", "Copy of data.parquet" or "data.sync-conflict-20260101-101010-AB.parquet".
// Empty if it is none.
std::string copied_name(const std::string& name);

// Looks like a table or an array of some other format, an archive, or the unfinished or renamed copy
// of a data file: data.csv, data.arrow, data.parquet.gz, data.parquet.bak.
bool is_data_name(std::string_view name);

// The name that a head's folder would have if this is another spelling of it (l0h1q, L00H01Q,
// layer0_head1_query) or begins with one (l00h01q.parquet, "l00h01q (copy)"); empty if it is not.
// Numbers too large for a head are taken as 0.
std::optional<std::string> head_name_like(std::string_view name);

// What a folder with this entry is, if its name alone says that it is a table of a lake format:
// "a Delta Lake table". Empty: it does not.
std::string_view lake_table_of(std::string_view entry);

}  // namespace qk
