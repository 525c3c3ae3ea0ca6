// Milliseconds from before the first import to after the last, of the modules that are named as arguments, one after the other.
const started = performance.now();
for (const name of process.argv.slice(2)) await import(name);
console.log(performance.now() - started);
