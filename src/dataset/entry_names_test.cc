#include "dataset/entry_names.h"

#include <gtest/gtest.h>

namespace qk {
namespace entry_names_test {

TEST(EntryNames, ParquetInAnyLetters) {
  for (const char* name : {"data.parquet", "DATA.PARQUET", "x.Parquet", "0.parq", "part-0.PQ",
                           "part-00000-c000.snappy.parquet", "0000.gz.parquet"}) {
    EXPECT_TRUE(is_parquet_name(name)) << name;
  }
  for (const char* name : {"data.parquet.gz", "data.csv", "parquet", "data.parquet~"}) {
    EXPECT_FALSE(is_parquet_name(name)) << name;
  }
}

TEST(EntryNames, SidecarsOfSystemsAndPrograms) {
  for (const char* name : {".DS_Store",
                           "._data.parquet",
                           ".nfs000000001234",
                           ".directory",
                           ".ipynb_checkpoints",
                           ".gitattributes",
                           ".git",
                           ".data.parquet.crc",
                           ".data.parquet.swp",
                           ".~lock.data.csv#",
                           "Thumbs.db",
                           "desktop.ini",
                           "Desktop.ini",
                           "@eaDir",
                           "#recycle",
                           "__MACOSX",
                           "lost+found",
                           "$RECYCLE.BIN",
                           "System Volume Information",
                           "Icon\r",
                           "data.parquet~",
                           "~$data.csv",
                           "_SUCCESS",
                           "_metadata",
                           "_common_metadata",
                           "_committed_123",
                           "l00h00q_$folder$"}) {
    EXPECT_TRUE(is_sidecar_name(name)) << name;
  }
  for (const char* name : {"data.parquet", "data", "_data.parquet", "bucket=0", "metadata"}) {
    EXPECT_FALSE(is_sidecar_name(name)) << name;
  }
}

TEST(EntryNames, CopiesOfFileManagersAndSyncPrograms) {
  for (const char* name :
       {"data (1).parquet", "data - Copy.parquet", "data - Copy (2).parquet", "data copy.parquet",
        "data copy 2.parquet", "data (copy).parquet", "Copy of data.parquet",
        "data (Ann's conflicted copy 2026-01-01).parquet",
        "data.sync-conflict-20260101-101010-ABCDEF.parquet"}) {
    EXPECT_EQ(copied_name(name), "data.parquet") << name;
  }
  for (const char* name : {"data.parquet", "part-1.parquet", "data copy", "copy.parquet", ""}) {
    EXPECT_EQ(copied_name(name), "") << name;
  }
}

TEST(EntryNames, DataOfOtherFormats) {
  for (const char* name :
       {"data.csv", "data.CSV.GZ", "data.arrow", "data-00000-of-00001.arrow", "data.feather",
        "data.jsonl", "data.npz", "data.parquet.gz", "data.parquet.bak", "data.parquet.1",
        "heads.tar", "data.parquet.part"}) {
    EXPECT_TRUE(is_data_name(name)) << name;
  }
  for (const char* name :
       {"README.md", "notes.txt", "LICENSE", "dataset_info.json", "state.json"}) {
    EXPECT_FALSE(is_data_name(name)) << name;
  }
}

TEST(EntryNames, OtherSpellingsOfAHeadsName) {
  for (const char* name :
       {"l0h1q", "L00H01Q", "l000h001q", "l00_h01_q", "layer0_head1_query", "layer=0.head=1.q",
        "l00h01q.parquet", "l00h01q (copy)", "l00h01q.zip", "l00h01q.bak", "l00h01Q"}) {
    EXPECT_EQ(head_name_like(name), "l00h01q") << name;
  }
  EXPECT_EQ(head_name_like("L1H22Keys"), "l01h22k");
  EXPECT_EQ(head_name_like("l99999999999h0q"), "l00h00q");
  for (const char* name :
       {"", "README.md", "l00h00", "l00h00v", "lh", "layers", "l0h0queue", "data", "h00l00q"}) {
    EXPECT_FALSE(head_name_like(name)) << name;
  }
}

TEST(EntryNames, TablesOfLakeFormats) {
  EXPECT_EQ(lake_table_of("_delta_log"), "a Delta Lake table");
  EXPECT_EQ(lake_table_of(".hoodie"), "a Hudi table");
  EXPECT_EQ(lake_table_of("_versions"), "a Lance table");
  EXPECT_EQ(lake_table_of("ducklake-018f.parquet"), "a DuckLake table");
  EXPECT_EQ(lake_table_of("data.parquet"), "");
}

}  // namespace entry_names_test
}  // namespace qk
