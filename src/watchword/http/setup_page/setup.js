// The secret is in the fragment of the address, which browsers neither send nor log.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = document.querySelector("form");
const status = form.querySelector("[role=status]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(form));
  const response = await fetch("server/setup", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, email, password }),
  });
  if (response.ok) {
    form.replaceChildren("The administrator has been created. This page can be closed.");
    return;
  }
  const { errors } = await response.json();
  status.textContent = errors.map((error) => error.message).join(" ");
});
