import type { View } from '../view.ts';
export const compare: View = { id: 'compare', title: 'Compare', unavailable: () => 'x', render: () => {} };
