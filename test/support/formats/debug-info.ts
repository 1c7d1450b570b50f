/**
 * A program's file with nothing but debug information, for the format DWARF: an ELF file with so many variables, a thousand to a compilation unit.
 * Layouts: System V ABI (ELF-64), DWARF 4 section 7.
 */

const ELF_HEADER_BYTES = 64;
/** One, of the type that says nothing: the engine refuses a file without. */
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const NAMES = "\0.debug_abbrev\0.debug_info\0.debug_str\0.shstrtab\0";
const [PROGBITS, STRTAB] = [1, 3];
const VARIABLES_PER_UNIT = 1000;

/** Abbreviation 1: a compilation unit with children and a name; 2: a variable without children, with a name. Names are DW_FORM_string. */
const ABBREVIATIONS = Buffer.from([1, 0x11, 1, 0x03, 0x08, 0, 0, 2, 0x34, 0, 0x03, 0x08, 0, 0, 0]);

/** The file in pieces. */
export function debugInfo(variables: number): readonly Buffer[] {
  const info = units(variables);
  const infoBytes = info.reduce((sum, piece) => sum + piece.length, 0);
  const sections: readonly Section[] = [
    { name: ".debug_abbrev", type: PROGBITS, bytes: ABBREVIATIONS.length },
    { name: ".debug_info", type: PROGBITS, bytes: infoBytes },
    { name: ".debug_str", type: PROGBITS, bytes: 1 },
    { name: ".shstrtab", type: STRTAB, bytes: NAMES.length },
  ];
  return [
    header(sections.length + 1),
    Buffer.alloc(PROGRAM_HEADER_BYTES),
    sectionHeaders(sections),
    ABBREVIATIONS,
    ...info,
    Buffer.from([0]),
    Buffer.from(NAMES),
  ];
}

function units(variables: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(variables / VARIABLES_PER_UNIT) }, (_, unit) => {
    const first = unit * VARIABLES_PER_UNIT;
    const names = Array.from(
      { length: Math.min(VARIABLES_PER_UNIT, variables - first) },
      (_, n) => `\u0002variable_${first + n}\0`,
    );
    const entries = Buffer.from(`\u0001unit_${unit}\0${names.join("")}\0`);
    // Length of what follows, version, offset of the abbreviations, bytes of an address.
    const head = Buffer.alloc(11);
    head.writeUInt32LE(7 + entries.length, 0);
    head.writeUInt16LE(4, 4);
    head.writeUInt8(8, 10);
    return Buffer.concat([head, entries]);
  });
}

function header(sections: number): Buffer {
  const bytes = Buffer.alloc(ELF_HEADER_BYTES);
  bytes.write("\u007fELF\u0002\u0001\u0001", "latin1");
  bytes.writeUInt16LE(1, 16); // relocatable
  bytes.writeUInt16LE(62, 18); // x86-64
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32);
  bytes.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES), 40);
  bytes.writeUInt16LE(ELF_HEADER_BYTES, 52);
  bytes.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt16LE(SECTION_HEADER_BYTES, 58);
  bytes.writeUInt16LE(sections, 60);
  bytes.writeUInt16LE(sections - 1, 62); // the last one has the names
  return bytes;
}

type Section = { readonly name: string; readonly type: number; readonly bytes: number };

/** The first one is empty, as the ABI wants it; the contents follow the headers in the same order. */
function sectionHeaders(sections: readonly Section[]): Buffer {
  const bytes = Buffer.alloc(SECTION_HEADER_BYTES * (sections.length + 1));
  let offset = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES + bytes.length;
  for (const [index, section] of sections.entries()) {
    const at = SECTION_HEADER_BYTES * (index + 1);
    bytes.writeUInt32LE(NAMES.indexOf(section.name), at);
    bytes.writeUInt32LE(section.type, at + 4);
    bytes.writeBigUInt64LE(BigInt(offset), at + 24);
    bytes.writeBigUInt64LE(BigInt(section.bytes), at + 32);
    bytes.writeBigUInt64LE(1n, at + 48);
    offset += section.bytes;
  }
  return bytes;
}
