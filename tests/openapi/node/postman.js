// Prints the collection that Postman's own converter makes of a document.
const { readFileSync } = require("node:fs");
const { convert } = require("openapi-to-postmanv2");

const options = {
  requestParametersResolution: "Example",
  exampleParametersResolution: "Example",
  folderStrategy: "Tags",
};
convert({ type: "string", data: readFileSync(process.argv[2], "utf8") }, options, (error, made) => {
  if (error || !made.result) throw error || new Error(made.reason);
  console.log(JSON.stringify(made.output[0].data));
});
