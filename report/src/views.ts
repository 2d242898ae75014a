// The views, in the order of the tabs.

import type { View } from './view.ts';
import { distance } from './views/distance.ts';
import { overview } from './views/overview.ts';
import { positions } from './views/positions.ts';

export const kViews: View[] = [overview, positions, distance];
