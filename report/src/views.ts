// The views, in the order of the tabs.

import type { View } from './view.ts';
import { overview } from './views/overview.ts';

export const kViews: View[] = [overview];
