/**
 * Builds the package. npm runs this when it packs the folder or installs from it, and does not
 * install what the build needs: so this does, where it is missing.
 */
import { execSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cwd = fileURLToPath(new URL("..", import.meta.url));

/** Runs a command in the package's folder. What it prints goes to stderr, since npm reads stdout. */
function run(command) {
  execSync(command, { cwd, stdio: ["ignore", 2, 2] });
}

if (!existsSync(`${cwd}/node_modules/typescript`)) {
  run("npm ci --ignore-scripts");
}
run("npm run build");
