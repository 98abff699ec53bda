// SPDX-License-Identifier: PostgreSQL
// A batch that outgrows its bound: its largest slot can be dropped, the others stay.
#include "engine/aggregates/batch.h"

#include <gtest/gtest.h>

#include <string>

namespace trending::test {
namespace {

KeyView key_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), static_cast<uint32_t>(text.size())};
}

void append(Batch* batch, uint32_t slot, int count) {
  for (int i = 0; i < count; i++) {
    const std::string key = "key " + std::to_string(i);
    ASSERT_EQ(batch->append(slot, i, 1, key_of(key)), Status::kOk);
  }
}

class BatchTest : public ::testing::Test {
 protected:
  BatchTest() {
    const WindowSpec tumble = {WindowKind::kTumble, false, 1000, 1000, 0};
    for (uint32_t slot = 0; slot < 3; slot++) {
      EXPECT_EQ(batch_.open_slot(slot, Windows(tumble), 1), Status::kOk);
    }
  }
  Batch batch_;
};

TEST_F(BatchTest, KnowsTheLargestSlot) {
  EXPECT_EQ(batch_.largest_slot(), Batch::kNoSlot);
  append(&batch_, 2, 10);
  EXPECT_EQ(batch_.largest_slot(), 2U);
  append(&batch_, 0, 20);
  append(&batch_, 1, 5);
  EXPECT_EQ(batch_.largest_slot(), 0U);
}

TEST_F(BatchTest, DropsASlotAndKeepsTheOthers) {
  append(&batch_, 0, 20);
  const size_t large = batch_.bytes();
  append(&batch_, 1, 5);
  const size_t both = batch_.bytes();
  batch_.drop(0);
  EXPECT_EQ(batch_.bytes(), both - large);
  EXPECT_TRUE(batch_.slice(0).empty());
  EXPECT_EQ(batch_.slice(1).records, 5U);
  EXPECT_EQ(batch_.largest_slot(), 1U);
  append(&batch_, 0, 7);  // and it takes events again, once
  EXPECT_EQ(batch_.touched_count(), 2U);
  EXPECT_EQ(batch_.slice(0).records, 7U);
  batch_.clear();
  EXPECT_TRUE(batch_.empty());
  EXPECT_EQ(batch_.bytes(), 0U);
}

}  // namespace
}  // namespace trending::test
