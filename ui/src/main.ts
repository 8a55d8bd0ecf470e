import { mount } from "svelte";
import App from "./App.svelte";
import { theme } from "./lib/theme.svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/tables.css";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no element with the id 'app'");

theme.apply();
export default mount(App, { target });
