// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QComboBox>

namespace trending {

class Workspace;

// Which partition of the trend is shown; not there for trends that are ranked as a whole.
class PartitionChooser : public QComboBox {
  Q_OBJECT

 public:
  explicit PartitionChooser(Workspace* workspace, QWidget* parent = nullptr);

 private:
  void show_partitions();

  Workspace* workspace_;
};

}  // namespace trending
