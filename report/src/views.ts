// The views, in the order of the tabs.

import type { View } from './view.ts';
import { compare } from './views/compare.ts';
import { distance } from './views/distance.ts';
import { groups } from './views/groups.ts';
import { head } from './views/head.ts';
import { heads } from './views/heads.ts';
import { map } from './views/map.ts';
import { method } from './views/method.ts';
import { overview } from './views/overview.ts';
import { positions } from './views/positions.ts';
import { relations } from './views/relations.ts';

export const kViews: View[] = [overview, map, heads, relations, positions, distance, head, groups, compare,
  method];
