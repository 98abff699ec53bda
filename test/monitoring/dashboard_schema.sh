#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Checks the dashboard against Grafana's own schema: the types of @grafana/schema, whose release is that of the image in
# docker/compose.yaml, by the TypeScript compiler. Needs npm and its registry, so it is not part of make check.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
release=$(sed -n 's|.*image: grafana/grafana:||p' "$root/docker/compose.yaml")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts "@grafana/schema@$release" typescript@5.4
{
  cat <<'TS'
import type { Dashboard, DataQuery, Panel } from '@grafana/schema';
import type { Options as TimeSeriesOptions, FieldConfig as TimeSeriesFieldConfig } from
  './node_modules/@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Options as StatOptions } from './node_modules/@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
// JSON has the words of enums.
type Json<T> = T extends string ? `${T}` : T extends (infer E)[] ? Json<E>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
// The queries of Prometheus are not in it.
type Query = DataQuery & { expr: string; legendFormat?: string; editorMode: 'code'; range?: boolean; instant?: boolean };
type Common = Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & { targets: Query[] };
type Fields<Custom> = { defaults: Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'> & { custom?: Custom };
                        overrides: NonNullable<Panel['fieldConfig']>['overrides'] };
type StatPanel = Common & { type: 'stat'; options: Partial<StatOptions>; fieldConfig: Fields<never> };
type TimeSeriesPanel = Common & { type: 'timeseries'; options: TimeSeriesOptions; fieldConfig: Fields<TimeSeriesFieldConfig> };
type Board = Omit<Dashboard, 'panels'> & { panels: (StatPanel | TimeSeriesPanel)[] };
TS
  printf 'export const board: Json<Board> = '
  cat "$root/docker/grafana/dashboards/trending.json"
} >board.ts
node_modules/.bin/tsc --noEmit --strict --target es2022 --module esnext --moduleResolution node --skipLibCheck board.ts
echo "the dashboard fits the schema of Grafana $release"
