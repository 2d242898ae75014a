#include "ranks/rank_stages.h"

#include "base/error.h"
#include "ranks/wire.h"

namespace qk {
namespace {

constexpr const char* kFromLeader = "stage of rank 0";
constexpr const char* kFromRank = "answer of a rank";

void put(WireWriter& out, const std::vector<std::string>& texts) {
  out.number(static_cast<uint64_t>(texts.size()));
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> texts_of(WireReader& in) {
  std::vector<std::string> out;
  for (auto left = in.number<uint64_t>(); left > 0; --left) out.emplace_back(in.text());
  return out;
}

void put(WireWriter& out, const RowPair& pair) {
  out.text(pair.query_config);
  out.text(pair.key_config);
  out.number(pair.query_row);
  out.number(pair.key_row);
  out.number(pair.dot);
}

RowPair pair_of(WireReader& in) {
  RowPair out;
  out.query_config = in.text();
  out.key_config = in.text();
  out.query_row = in.number<int64_t>();
  out.key_row = in.number<int64_t>();
  out.dot = in.number<double>();
  return out;
}

void put(WireWriter& out, const DatasetOptions& options) {
  out.number(static_cast<uint8_t>(options.compat_reference));
  out.number(options.rows_per_group);
  out.number(static_cast<uint8_t>(options.overwrite));
  out.number(static_cast<uint8_t>(options.resume));
  out.number(static_cast<uint64_t>(options.canaries.size()));
  for (const RowPair& pair : options.canaries) put(out, pair);
  out.number(static_cast<uint64_t>(options.footer.size()));
  for (const auto& [key, value] : options.footer) {
    out.text(key);
    out.text(value);
  }
}

DatasetOptions options_of(WireReader& in) {
  DatasetOptions out;
  out.compat_reference = in.number<uint8_t>() != 0;
  out.rows_per_group = in.number<int64_t>();
  out.overwrite = in.number<uint8_t>() != 0;
  out.resume = in.number<uint8_t>() != 0;
  for (auto left = in.number<uint64_t>(); left > 0; --left) out.canaries.push_back(pair_of(in));
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    std::string key(in.text());
    out.footer.emplace_back(std::move(key), in.text());
  }
  return out;
}

}  // namespace

std::string stage_text(StageKind kind, std::string_view body) {
  std::string out(1, static_cast<char>(kind));
  return out.append(body);
}

StageKind stage_kind(std::string_view text, std::string_view& body) {
  if (text.empty() || static_cast<uint8_t>(text[0]) >= kNumStageKinds) {
    fail("{}: is none that this build knows", kFromLeader);
  }
  body = text.substr(1);
  return static_cast<StageKind>(text[0]);
}

std::string encode(const AgreeStage& stage) {
  WireWriter out;
  out.text(stage.token_file);
  out.text(stage.token);
  out.number(stage.wait_seconds);
  out.number(static_cast<uint64_t>(stage.threads.size()));
  for (const int32_t threads : stage.threads) out.number(threads);
  return out.take();
}

AgreeStage decode_agree_stage(std::string_view body) {
  WireReader in(body, kFromLeader);
  AgreeStage out;
  out.token_file = in.text();
  out.token = in.text();
  out.wait_seconds = in.number<double>();
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    out.threads.push_back(in.number<int32_t>());
  }
  in.end();
  return out;
}

std::string encode_seen(bool sees_token) { return sees_token ? "1" : "0"; }

bool decode_seen(std::string_view bytes) { return bytes == "1"; }

std::string encode(const DocumentsStage& stage) {
  WireWriter out;
  out.text(stage.journal_token);
  out.text(stage.header);
  out.number(stage.ends_at);
  return out.take();
}

DocumentsStage decode_documents_stage(std::string_view body) {
  WireReader in(body, kFromLeader);
  DocumentsStage out;
  out.journal_token = in.text();
  out.header = in.text();
  out.ends_at = in.number<double>();
  in.end();
  return out;
}

std::string encode(const DocumentsAnswer& answer) {
  WireWriter out;
  for (const int64_t number :
       {answer.num_documents, answer.num_tokens, answer.num_rows, answer.num_computed_tokens}) {
    out.number(number);
  }
  out.number(answer.seconds);
  out.number(answer.task_tokens);
  put(out, answer.warnings);
  return out.take();
}

DocumentsAnswer decode_documents_answer(std::string_view bytes) {
  WireReader in(bytes, kFromRank);
  DocumentsAnswer out;
  for (int64_t* number :
       {&out.num_documents, &out.num_tokens, &out.num_rows, &out.num_computed_tokens}) {
    *number = in.number<int64_t>();
  }
  out.seconds = in.number<double>();
  out.task_tokens = in.number<int64_t>();
  out.warnings = texts_of(in);
  in.end();
  return out;
}

std::string encode(const WriteStage& stage) {
  WireWriter out;
  out.number(static_cast<uint64_t>(stage.journals.size()));
  for (const WriteStage::Journal& journal : stage.journals) {
    out.text(journal.name);
    out.text(journal.index);
  }
  put(out, stage.options);
  out.text(stage.token);
  out.number(stage.wait_seconds);
  return out.take();
}

WriteStage decode_write_stage(std::string_view body) {
  WireReader in(body, kFromLeader);
  WriteStage out;
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    WriteStage::Journal journal;
    journal.name = in.text();
    journal.index = in.text();
    out.journals.push_back(std::move(journal));
  }
  out.options = options_of(in);
  out.token = in.text();
  out.wait_seconds = in.number<double>();
  in.end();
  return out;
}

std::string encode(const RankProgress& progress) {
  WireWriter out;
  out.number(progress.documents);
  out.number(progress.tokens);
  out.number(progress.seconds);
  return out.take();
}

RankProgress decode_rank_progress(std::string_view bytes) {
  RankProgress out;
  if (bytes.size() != 3 * sizeof(double)) return out;
  WireReader in(bytes, kFromRank);
  out.documents = in.number<double>();
  out.tokens = in.number<double>();
  out.seconds = in.number<double>();
  return out;
}

}  // namespace qk
