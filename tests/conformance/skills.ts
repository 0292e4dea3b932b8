import { type McpServer, Skill } from "../../mod.ts";

/** Skills with a folder to descend into, with metadata, and one within another. */
export async function registerSkills(server: McpServer): Promise<void> {
  server.registerSkill(
    await Skill.from({
      "SKILL.md": `---
name: pdf-forms
description: Fills in PDF forms
license: Apache-2.0
metadata:
  version: "1.2"
---
# PDF forms

Field names are in references/FIELDS.md.
`,
      "references/FIELDS.md": "# Fields\n\n`name`, `date`.\n",
      "scripts/fill.py": "print('filled in')\n",
      "assets/mark.bin": new Uint8Array([0xff, 0x00, 0xfe]),
    }),
  );
  server.registerSkill(
    await Skill.from({
      "SKILL.md": `---
name: invoices
description: Fills in PDF invoices
---
Needs the skill around it.
`,
    }, { path: "pdf-forms/invoices" }),
  );
}
