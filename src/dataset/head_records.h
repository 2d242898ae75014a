// Which records of the journals make up which file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataset/schema.h"
#include "journal/journal_set.h"

namespace qk {

// One file: a head's part of each record of its layer and kind that has it.
struct HeadRecords {
  const JournalSet::Group* layer = nullptr;
  int32_t head = 0;

  std::string config() const { return config_name(layer->layer, head, layer->kind); }
};

// The files of a dataset, by layer, queries first, then by head. Points into `journal`.
std::vector<HeadRecords> heads_of(const JournalSet& journal);

}  // namespace qk
