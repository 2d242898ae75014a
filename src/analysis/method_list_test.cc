#include "analysis/method_list.h"

#include <gtest/gtest.h>

#include "analysis/test_config.h"

namespace qk {
namespace method_list_test {

using Names = std::vector<std::string>;

TEST(MethodList, TheDefaultIsBucketAndTheOriginalsWithCompat) {
  EXPECT_EQ(config_of({}).measure.methods, Names{"bucket"});
  EXPECT_EQ(config_of({"compat=reference"}).measure.methods, Names{"linear"});
  EXPECT_EQ(config_of({"compat=reference", "method=bucket"}).measure.methods, Names{"bucket"});
  EXPECT_EQ(config_of({"method=null"}).measure.methods, Names{"bucket"});
}

TEST(MethodList, NamesWithCommasOrAList) {
  const Names expected = {"linear", "bucket", "counted"};
  EXPECT_EQ(config_of({"method='linear,bucket,counted'"}).measure.methods, expected);
  EXPECT_EQ(config_of({"method='linear, bucket ,counted'"}).measure.methods, expected);
  EXPECT_EQ(config_of({"method=[linear, bucket, counted]"}).measure.methods, expected);
}

TEST(MethodList, Errors) {
  EXPECT_EQ(error_of({"method=buckt"}),
            "--set method=buckt: expected bucket, counted, linear or online, found buckt; did you "
            "mean bucket?");
  EXPECT_EQ(error_of({"method='bucket,linear,bucket'"}),
            "--set method='bucket,linear,bucket': names bucket twice");
  EXPECT_EQ(error_of({"method='bucket,'"}),
            "--set method='bucket,': has an empty name between its commas");
  EXPECT_EQ(error_of({"method=[]"}), "--set method=[]: expected at least one method, found a list");
  EXPECT_EQ(error_of({"method=[3]"}),
            "--set method=[3]: expected a method or a list of methods, found a list");
  EXPECT_EQ(error_of({"queries=all"}),
            "--set queries=all: has no effect: it is a choice of the method counted, and the "
            "method is bucket");
}

TEST(MethodList, TheTextSaysWhatDecidesTheNumbers) {
  EXPECT_EQ(methods_text(
                config_of({"method='linear,counted'", "covariance=full", "queries=same_document"})
                    .measure),
            "linear (covariance full), counted (queries of the same document)");
}

}  // namespace method_list_test
}  // namespace qk
