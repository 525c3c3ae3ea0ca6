// Told to the test that started this run: whose containers it has to look for.
process.stdout.write(`owner ${process.pid}\n`);
