/**
 * Style sheet of the HTML reports.
 * @module
 */
import { INK } from './picture/theme.ts';

/** The rules; colours are those of the pictures. */
export const REPORT_STYLE: string = `
:root{--text:${INK.text.light};--faint:${INK.faint.light};--rule:${INK.grid.light};--ground:${INK.ground.light};--link:#0058a3}
@media screen and (prefers-color-scheme:dark){:root{--text:${INK.text.dark};--faint:${INK.faint.dark};--rule:${INK.grid.dark};--ground:${INK.ground.dark};--link:#7fbcf0}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,"Segoe UI","DejaVu Sans",Arial,sans-serif}
main{max-width:54rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .5rem}
p{max-width:46rem;margin:.5rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
.lead{font-size:1.1rem}
.note{color:var(--faint);font-size:.9rem}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
th{border-bottom:2px solid var(--faint);font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.short{white-space:nowrap}
figure{margin:1.2rem -1rem;overflow-x:auto}
figure svg{max-width:100%;min-width:35rem;height:auto;display:block}
@media print{body{font-size:10pt}table{font-size:8pt}th,td{padding-right:.4rem}main{max-width:none;padding:0}figure svg{min-width:0}nav{display:none}section,figure,tr{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}a{color:inherit}}
`.replace(/\n/g, '');
