using Spectre.Console;
using Spectre.Console.Advanced;
using Spectre.Console.Rendering;

namespace Kv.Cli.Interactive;

/// <summary>
/// A console on which a line that is too long is cut at the edge. The line editor pads each drawing to the
/// terminal's width counted in characters; with wide characters (日本) in it that is too long, and a terminal
/// that wrapped it would scroll at each key. Set around each drawing, so that a killed process leaves the
/// terminal as it was.
/// </summary>
internal sealed class UnwrappedConsole(IAnsiConsole console) : IAnsiConsole
{
    private const string WrapOff = "\e[?7l";
    private const string WrapOn = "\e[?7h";

    public Profile Profile => console.Profile;

    public IAnsiConsoleCursor Cursor => console.Cursor;

    public IAnsiConsoleInput Input => console.Input;

    public IExclusivityMode ExclusivityMode => console.ExclusivityMode;

    public RenderPipeline Pipeline => console.Pipeline;

    public void Clear(bool home) => console.Clear(home);

    public void Write(IRenderable renderable)
    {
        console.WriteAnsi(WrapOff);
        console.Write(renderable);
        console.WriteAnsi(WrapOn);
    }
}
