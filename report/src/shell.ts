// Commands to paste into a shell. Names in them come from the data, which may come from anyone.

// A word of a command. Control characters could end the line that is pasted.
export function quoted(text: string): string {
  const word = text.replace(/\p{C}/gu, '?');
  return /^[\w./,:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

// The same for a file or a folder: no option, whatever its name is.
export const path = (name: string): string => quoted(name.replace(/^-/, './-'));

// Fields of a configuration as options of `qkscope analyze`. The page does not know the documents' names.
export function flags(configured: Record<string, unknown>, without: readonly string[] = []): string {
  return Object.entries(configured).map(([name, value]) => {
    if (value === null || value === undefined || value === false || without.includes(name)) return '';
    const flag = ` ${quoted(`--${name}`)}`;
    if (value === true) return flag;
    if (name === 'documents') return `${flag} DOCUMENTS`;
    if (Array.isArray(value)) return `${flag} ${quoted(value.map(String).join(','))}`;
    return `${flag} ${quoted(typeof value === 'object' ? JSON.stringify(value) : String(value))}`;
  }).join('');
}
