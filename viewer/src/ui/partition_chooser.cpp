// SPDX-License-Identifier: PostgreSQL
#include "ui/partition_chooser.h"

#include "data/text.h"
#include "models/workspace.h"

namespace trending {

namespace {

QString in_words(const Partition& partition) {
  QStringList parts;
  for (const std::optional<QString>& value : partition)
    parts.append(value ? text::one_line(*value) : text::value({}));
  return parts.join(QLatin1String(", "));
}

}  // namespace

PartitionChooser::PartitionChooser(Workspace* workspace, QWidget* parent)
    : QComboBox(parent), workspace_(workspace) {
  setObjectName(QStringLiteral("partition"));
  setAccessibleName(tr("Partition"));
  setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  setMinimumContentsLength(14);
  setMaxVisibleItems(20);
  connect(this, &QComboBox::activated, this,
          [this](int index) { workspace_->select_partition(itemData(index).value<Partition>()); });
  connect(workspace_, &Workspace::partitions_changed, this, &PartitionChooser::show_partitions);
  connect(workspace_, &Workspace::ranking_changed, this, &PartitionChooser::show_partitions);
  show_partitions();
}

void PartitionChooser::show_partitions() {
  const TrendInfo* trend = workspace_->trend();
  const bool partitioned = trend != nullptr && !trend->partition_by.empty();
  setVisible(partitioned);
  if (!partitioned) return clear();
  QList<Partition> partitions = workspace_->partitions();
  // The one shown stays in the list, though it may have nothing to rank now.
  const Partition& shown = workspace_->partition();
  if (!shown.empty() && !partitions.contains(shown)) partitions.prepend(shown);
  bool same = partitions.size() == count();
  for (int i = 0; same && i < count(); ++i) same = itemData(i).value<Partition>() == partitions[i];
  if (!same) {
    clear();
    for (const Partition& partition : partitions)
      addItem(in_words(partition), QVariant::fromValue(partition));
  }
  setCurrentIndex(static_cast<int>(partitions.indexOf(shown)));
  QString help = tr("Ranked within %1").arg(trend->partition_by.join(QLatin1String(", ")));
  if (workspace_->partitions().size() >= kMostPartitions)
    help += u'\n' + tr("Only the first %1 are listed.").arg(text::count(kMostPartitions));
  setToolTip(help);
}

}  // namespace trending
