export type ThemeName = "dark" | "light";

const KEY = "phantom-theme";

function remembered(): ThemeName {
  try {
    return localStorage.getItem(KEY) === "light" ? "light" : "dark";
  } catch {
    return "dark";
  }
}

/** Dark or light, remembered in this browser. */
class Theme {
  name = $state<ThemeName>(remembered());

  apply(): void {
    document.documentElement.dataset["theme"] = this.name;
  }

  toggle(): void {
    this.name = this.name === "dark" ? "light" : "dark";
    this.apply();
    try {
      localStorage.setItem(KEY, this.name);
    } catch {
      // Storage may be switched off: the choice then lasts as long as the page.
    }
  }
}

export const theme = new Theme();
