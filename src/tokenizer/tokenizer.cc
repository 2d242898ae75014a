#include "tokenizer/tokenizer.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/readable_file.h"
#include "base/utf8.h"
#include "tokenizer/appended_tokens.h"
#include "tokenizer/gguf_tokenizer_json.h"
#include "tokenizer/tokenizers_c.h"

namespace qk {
namespace {

// What the crate has filled, given back at the end of the scope.
struct CrateText {
  qk_tokenizers_text text{nullptr, 0};
  CrateText() = default;
  CrateText(const CrateText&) = delete;
  CrateText& operator=(const CrateText&) = delete;
  ~CrateText() { qk_tokenizers_free_text(text); }
  std::string_view view() const { return {text.data, text.size}; }
};

struct CrateIds {
  qk_tokenizers_ids ids{nullptr, 0, 0};
  CrateIds() = default;
  CrateIds(const CrateIds&) = delete;
  CrateIds& operator=(const CrateIds&) = delete;
  ~CrateIds() { qk_tokenizers_free_ids(ids); }
  std::span<const uint32_t> view() const { return {ids.data, ids.size}; }
};

constexpr size_t kMessageBytes = 400;  // of an error text that comes from the crate

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// "left", "right", or nothing if tokenizer_config.json does not say.
std::optional<std::string> configured_truncation_side(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!is_present(path)) return std::nullopt;
  const MappedFile file(path);
  const std::string name = path.string();
  const auto config = nlohmann::json::parse(text_of(file), nullptr, false);
  if (config.is_discarded() || !config.is_object()) fail("{}: is not a JSON object", name);
  const auto found = config.find("truncation_side");
  if (found == config.end() || found->is_null()) return std::nullopt;
  std::string side = found->is_string() ? found->get<std::string>() : found->dump();
  if (side != "left" && side != "right") {
    fail("{}: truncation_side: expected left or right, found {}", name, printable(side));
  }
  return side;
}

// The identity of a tokenizer whose file says otherwise about the side to cut than its folder.
std::string identity_with_side(const std::string& identity, const std::string& side) {
  const std::string both = identity + " truncation_side " + side;
  return sha256_hex(std::as_bytes(std::span(both)));
}

}  // namespace

struct Tokenizer::Handle {
  std::string name;  // of the file, for messages
  std::string identity;
  qk_tokenizers* crate = nullptr;
  int32_t truncates_left = 0;

  Handle(std::string file_name, std::string_view json, bool is_scored)
      : name(std::move(file_name)) {
    CrateText error;
    if (qk_tokenizers_load(json.data(), json.size(), is_scored ? 1 : 0, &crate, &truncates_left,
                           &error.text) != 0) {
      fail("{}: tokenizers cannot load it: {}", name, printable(error.view(), kMessageBytes));
    }
    identity = sha256_hex(std::as_bytes(std::span(json)));
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { qk_tokenizers_free(crate); }
};

Tokenizer::Tokenizer(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  if (!is_present(path)) {
    const bool sentencepiece = is_present(folder / "tokenizer.model");
    fail("{}: is missing{}", path.string(),
         sentencepiece ? ": tokenizer.model beside it is not read, save the tokenizer once with "
                         "transformers to convert it"
                       : "");
  }
  Tokenizer tokenizer = from_file(path);
  const MappedFile file(path);
  if (const std::string whole = with_appended_tokens(folder, text_of(file)); !whole.empty()) {
    tokenizer = Tokenizer(std::make_unique<Handle>(path.string(), whole, false));
  }
  if (const auto side = configured_truncation_side(folder)) {
    Handle& handle = *tokenizer.handle_;
    const int32_t left = *side == "left" ? 1 : 0;
    if (left != handle.truncates_left) handle.identity = identity_with_side(handle.identity, *side);
    handle.truncates_left = left;
  }
  return tokenizer;
}

Tokenizer Tokenizer::from_file(const std::filesystem::path& tokenizer_json) {
  const MappedFile file(tokenizer_json);
  return Tokenizer(std::make_unique<Handle>(tokenizer_json.string(), text_of(file), false));
}

Tokenizer Tokenizer::from_gguf(const GgufVocabulary& vocabulary) {
  const GgufTokenizerJson json = gguf_tokenizer_json(vocabulary);
  return Tokenizer(std::make_unique<Handle>(vocabulary.file, json.text, json.is_scored));
}

Encoding Tokenizer::encode(std::string_view text, int64_t max_length) const {
  QK_CHECK(max_length > 0);
  CrateIds ids;
  CrateText error;
  if (qk_tokenizers_encode(handle_->crate, text.data(), text.size(),
                           static_cast<uint64_t>(max_length), handle_->truncates_left, &ids.ids,
                           &error.text) != 0) {
    if (const auto offset = first_invalid_utf8(text)) {
      fail("text is not UTF-8: byte {} (0x{:02x}) does not belong to a character", *offset,
           static_cast<unsigned char>(text[*offset]));
    }
    fail("{}: encoding failed: {}", handle_->name, printable(error.view(), kMessageBytes));
  }
  for (const uint32_t id : ids.view()) {
    if (id > static_cast<uint32_t>(std::numeric_limits<int32_t>::max())) {
      fail("{}: encoding gave id {}, expected ids below 2^31", handle_->name, id);
    }
  }
  return {{ids.view().begin(), ids.view().end()}, ids.ids.truncated != 0};
}

std::string Tokenizer::token(int32_t id) const {
  if (id < 0) fail("{}: no token has the id {}", handle_->name, id);
  CrateText piece;
  CrateText error;
  if (qk_tokenizers_token(handle_->crate, static_cast<uint32_t>(id), &piece.text, &error.text) !=
      0) {
    fail("{}: {}", handle_->name, printable(error.view(), kMessageBytes));
  }
  return std::string(piece.view());
}

int64_t Tokenizer::vocab_size() const {
  return static_cast<int64_t>(qk_tokenizers_vocab_size(handle_->crate));
}

const std::string& Tokenizer::identity() const { return handle_->identity; }

}  // namespace qk
