# Sourced. Stops with advice when the .NET SDK is not there.
if ! command -v dotnet > /dev/null; then
  echo "The .NET 10 SDK is needed and 'dotnet' is not on the PATH." >&2
  echo "Install it from https://dotnet.microsoft.com/download/dotnet/10.0 or your distribution, then try again." >&2
  exit 2
fi
if ! dotnet --list-sdks | grep -q '^10\.'; then
  echo "The .NET 10 SDK is needed; found: $(dotnet --list-sdks | cut -d' ' -f1 | tr '\n' ' ')" >&2
  echo "Install it from https://dotnet.microsoft.com/download/dotnet/10.0 or your distribution, then try again." >&2
  exit 2
fi
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
