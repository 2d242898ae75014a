#include "cli/declared_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/completion.h"
#include "cli/man_page.h"

namespace qk {
namespace declared_command_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

DeclaredOption option_of(const std::string& type) {
  DeclaredOption out;
  read_value_type(type, out);
  return out;
}

TEST(ValueType, ChoicesAndPathsByTheirWords) {
  EXPECT_THAT(option_of("TYPE:{dataset,model}").choices, ElementsAre("dataset", "model"));
  EXPECT_EQ(option_of("TYPE:{dataset,model}").type, "dataset|model");
  const DeclaredOption mixed = option_of("auto|off|FILE");
  EXPECT_THAT(mixed.choices, ElementsAre("auto", "off"));
  EXPECT_EQ(mixed.paths, PathKind::kAny);
  EXPECT_THAT(option_of("cpu|torch:cpu|cuda:N").choices, ElementsAre("cpu", "torch:cpu"));
  EXPECT_EQ(option_of("DIR [DIR2]").paths, PathKind::kFolder);
  EXPECT_THAT(option_of("DIR [DIR2]").choices, IsEmpty());
  EXPECT_EQ(option_of("INT").paths, PathKind::kNone);
  EXPECT_EQ(option_of("").type, "VALUE");
}

class DeclaredTest : public testing::Test {
 protected:
  DeclaredTest() {
    app_.add_flag("--quiet", flag_, "Say [nothing]: it's quiet");
    CLI::App* draw = app_.add_subcommand("draw", "Draw a figure");
    CLI::App* map = draw->add_subcommand("heat-map", "Draw a map");
    map->add_option("--input,input", text_, "Table")->type_name("FILE")->group("Input");
    map->add_option("-s,--scale", text_, "Scale")->type_name("log|linear")->group("Output");
    map->add_option("--hidden", text_, "Not for users")->group("");
    map->footer("\nExamples:\n  qkscope draw heat-map a\\b\n\n.dots begin\nthis line.");
    program_ = declared_command(app_);
  }

  CLI::App app_{"About it", "qkscope"};
  bool flag_ = false;
  std::string text_;
  DeclaredCommand program_;
};

TEST_F(DeclaredTest, CommandsWithTheirOptions) {
  const std::vector<const DeclaredCommand*> all = all_commands(program_);
  ASSERT_EQ(all.size(), 3);
  EXPECT_EQ(all[0]->key(), "");
  EXPECT_EQ(all[2]->name(), "qkscope draw heat-map");
  EXPECT_EQ(all[2]->key(), "draw heat-map");
  const std::vector<DeclaredOption>& options = all[2]->options;
  ASSERT_EQ(options.size(), 3);  // --help is the first
  EXPECT_THAT(options[1].names, ElementsAre("--input"));
  EXPECT_TRUE(options[1].is_positional);
  EXPECT_EQ(options[1].group, "Input");
  EXPECT_THAT(options[2].names, ElementsAre("--scale", "-s"));
  EXPECT_FALSE(options[2].is_positional);
  EXPECT_FALSE(options[0].takes_value());
}

TEST_F(DeclaredTest, BashKnowsWhatMayStandWhere) {
  const std::string text = bash_completion(program_);
  EXPECT_THAT(text, HasSubstr("\n  ['qkscope']='draw'\n  ['qkscope draw']='heat-map'\n)"));
  EXPECT_THAT(text, HasSubstr("\n  ['qkscope draw heat-map --scale']='log linear'\n"));
  EXPECT_THAT(text, HasSubstr("\n  ['qkscope draw heat-map 0']='<path>'\n"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
}

TEST_F(DeclaredTest, ZshQuotesWhatItWouldRead) {
  EXPECT_THAT(zsh_completion(program_),
              HasSubstr("'(--quiet)--quiet[Say \\[nothing\\]: it'\\''s quiet]'"));
}

TEST_F(DeclaredTest, FishConditionsNameTheCommand) {
  const std::string text = fish_completion(program_);
  EXPECT_THAT(text,
              HasSubstr("complete -c qkscope -n '__qkscope_at \\'draw heat-map\\'' -s s -x -a "
                        "'log linear' -d 'Scale'\n"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
}

TEST_F(DeclaredTest, PagesOfCommandsWithThoseBelow) {
  const std::vector<ManPage> pages = man_pages(program_);
  ASSERT_EQ(pages.size(), 3);
  EXPECT_EQ(pages[0].file, "qkscope.1");
  EXPECT_EQ(pages[1].file, "qkscope-draw.1");
  EXPECT_EQ(pages[2].file, "sniff-qk.1");
  EXPECT_THAT(pages[1].text, HasSubstr("\n.SS qkscope draw heat\\-map\nDraw a map.\n"));
  EXPECT_THAT(pages[1].text,
              HasSubstr("\n.TP\n\\fB\\-\\-scale\\fR, \\fB\\-s\\fR \\fIlog|linear\\fR\nScale\n"));
  EXPECT_THAT(pages[0].text, HasSubstr("\n.SH EXIT STATUS\n"));
}

TEST_F(DeclaredTest, ExamplesAreShownAsTheyAre) {
  const DeclaredCommand map = program_.commands[0].commands[0];
  const std::vector<ManPage> pages = man_pages({{"qkscope"}, "", {}, {map}, ""});
  EXPECT_THAT(
      pages[1].text,
      HasSubstr(".SH EXAMPLES\n.nf\n  qkscope draw heat\\-map a\\eb\n.fi\n.PP\n\\&.dots begin\n"
                "this line.\n"));
}

}  // namespace declared_command_test
}  // namespace qk
