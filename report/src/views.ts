// The views, in the order of the tabs.

import type { View } from './view.ts';
import { heads } from './views/heads.ts';
import { map } from './views/map.ts';
import { method } from './views/method.ts';
import { overview } from './views/overview.ts';
import { relations } from './views/relations.ts';

export const kViews: View[] = [overview, map, heads, relations, method];
